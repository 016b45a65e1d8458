/**
 * What an agent inside a tool does, as its outer agent's watchers see it: as preliminary outputs of the call, each the
 * agent's message so far. Of a grandchild the child's message has the same, and so on.
 *
 * - P1 Live alone. Preliminary outputs are told from inside the steps, and are in no journal: what is told of the call in
 *   the end is its output (stream-store.ts, L3).
 * - P2 Bounded. At most one every 250 ms, the next one later the larger it was; what is too long is cut at its front.
 * - P3 Questions to people are told as questions of the outer call, one at a time: only that is in the outer message, where a
 *   client answers. They are live and settled like all of them, so they follow from the journal (settled-segments.ts).
 * - P4 Redacted as every output of the call, by the outer agent, or the one around it. Then there is none while a model
 *   speaks: a word that is to be hidden may come in pieces.
 * - P5 What it calls over Restate tells the outermost stream by itself. From then on so does this one: the stream's object
 *   puts both together (progress-nodes.ts), and shows the one inside the other.
 */
import type { ToolExecutionOptions, ToolSet } from "ai";
import type { AgentRun } from "../agent/agent-run.ts";
import { redacted } from "../encryption/redact.ts";
import { notify } from "../agent/run-settings.ts";
import { nowMs } from "../http/pause.ts";
import { toolStepName } from "../journal/step-names.ts";
import { pauseAfter, ProgressMessage } from "../stream/progress-message.ts";
import { ProgressReporter } from "../stream/progress-reporter.ts";
import { type ReaderAddress, within } from "../stream/reader-address.ts";
import type {
  ApprovalRequestEvent,
  ApprovalResponseEvent,
  LiveEvent,
  RunSink,
  SettledEvent,
} from "../stream/run-sink.ts";
import { isContextTool } from "../tools/context-tool.ts";
import { PendingQuestions } from "./pending-questions.ts";

type ToolCall = Pick<ToolExecutionOptions<never>, "toolCallId">;

/**
 * The sink of the agent `name` that runs in the tool call `call` of `parent`.
 *
 * @returns undefined when nobody watches the parent.
 */
export function progressSink(parent: AgentRun, name: string, { toolCallId }: ToolCall): RunSink | undefined {
  const { sink, options } = parent;
  if (sink === undefined && options.onStreamEvent === undefined) return undefined;
  return new ProgressSink(parent, name, toolCallId);
}

class ProgressSink implements RunSink {
  readonly readers: readonly ReaderAddress[];
  readonly #parent: AgentRun;
  readonly #agent: string;
  readonly #call: { readonly toolCallId: string; readonly toolName: string };
  readonly #message: ProgressMessage;
  /** Questions as they are told live, and as the journal has them. */
  readonly #live = new PendingQuestions();
  readonly #settled = new PendingQuestions();
  /** P5 */
  #reporter: ProgressReporter | undefined;
  #nextMs = 0;
  #isTelling = false;

  constructor(parent: AgentRun, agent: string, toolCallId: string) {
    this.#parent = parent;
    this.#agent = agent;
    this.#call = { toolCallId, toolName: parent.toolNameOf(toolCallId) };
    this.#message = new ProgressMessage(`${toolCallId}-${agent}`);
    this.readers = within(parent.readers, toolCallId);
  }

  tools(tools: ToolSet): void {
    this.#message.tools = tools;
  }

  get stopped(): AbortSignal | undefined {
    return this.#parent.sink?.stopped;
  }

  settled(event: SettledEvent): void {
    this.#message.settled(event);
    if (event.type === "model-step") {
      this.#calls(event.result.content);
    } else if (event.type === "approval-request") {
      this.#live.add(event);
      if (this.#settled.add(event)) this.#parent.settled(this.#asOuter(event));
    } else if (event.type === "approval-response") {
      this.#live.answer(event);
      for (const next of this.#settled.answer(event)) this.#parent.settled(this.#asOuter(next));
    }
  }

  async live(event: LiveEvent): Promise<{ readonly stop: boolean }> {
    await this.#message.live(event);
    if (event.type === "approval-request") {
      await this.#tell(true);
      if (this.#live.add(event)) await this.#parent.live(this.#asOuter(event));
    } else if (event.type === "approval-response") {
      for (const next of this.#live.answer(event)) await this.#parent.live(this.#asOuter(next));
    } else {
      if (event.type === "end") this.#calls(event.content);
      await this.#tell(event.type === "end");
    }
    return { stop: this.stopped?.aborted === true };
  }

  /** P5: what is called in a context tool may be elsewhere. */
  #calls(content: readonly { readonly type: string; readonly toolName?: string }[]): void {
    if (this.#reporter !== undefined || this.readers.length === 0) return;
    const { tools } = this.#message;
    const isElsewhere = content.some(({ type, toolName = "" }) => {
      const called = type === "tool-call" && Object.hasOwn(tools, toolName) ? tools[toolName] : undefined;
      return called !== undefined && isContextTool(called);
    });
    if (isElsewhere) this.#reporter = new ProgressReporter(this.readers);
  }

  /** P1, P2. It never rejects: who watches must not cost a step. */
  async #tell(isDue: boolean): Promise<void> {
    const now = nowMs();
    // A further output would take the question's place in the outer message.
    if (this.#isTelling || !this.#live.isEmpty) return;
    const { redact } = this.#parent;
    if (!isDue && (redact !== undefined || now < this.#nextMs)) return; // P4
    this.#isTelling = true;
    try {
      const message = await this.#message.whole();
      if (message === undefined) return;
      this.#nextMs = now + pauseAfter(message);
      const step = toolStepName(this.#parent.name, this.#call.toolName, this.#call.toolCallId);
      const { toolName } = this.#call;
      const output = redact === undefined ? message : redacted(message, redact, { kind: "tool-output", toolName });
      const event = { type: "tool-output", step, ...this.#call, output } as const;
      await notify(this.#parent, event);
      if (this.#reporter?.isHeard !== true) return void (await this.#parent.live(event));
      this.#reporter.tell(message);
      if (isDue) await this.#reporter.flush();
    } catch (error) {
      this.#parent.place.invocation.sdkContext.console.warn(
        `The progress of agent "${this.#agent}" is not shown`,
        error,
      );
    } finally {
      this.#isTelling = false;
    }
  }

  #asOuter(event: ApprovalRequestEvent | ApprovalResponseEvent): ApprovalRequestEvent | ApprovalResponseEvent {
    return event.type === "approval-request"
      ? this.#questionOf(event)
      : { ...event, toolCallId: this.#call.toolCallId };
  }

  /** P3. Who is asked sees for which tool; its input is in the preliminary output, and with the question (`/approvals`). */
  #questionOf({ toolName, reason, ...rest }: ApprovalRequestEvent): ApprovalRequestEvent {
    const what = `${this.#agent}: ${toolName}`;
    return { ...rest, ...this.#call, reason: reason === undefined ? what : `${what}: ${reason}` };
  }
}
