/**
 * What an agent inside a tool does, as its outer agent's watchers see it: as preliminary outputs of the call, each the
 * agent's message so far. Of a grandchild the child's message has the same, and so on.
 *
 * - P1 Live alone. Preliminary outputs are told from inside the steps, and are in no journal: what is told of the call in
 *   the end is its output (stream-store.ts, L3).
 * - P2 Bounded. At most one every `EVERY_MS`, the next one later the larger it was; what is too long is cut at its front.
 * - P3 Questions to people are told as questions of the outer call, one at a time: only that is in the outer message, where a
 *   client answers. They are live and settled like all of them, so they follow from the journal (settled-segments.ts).
 * - P4 Redacted as every output of the call, by the outer agent, or the one around it. Then there is none while a model
 *   speaks: a word that is to be hidden may come in pieces.
 */
import type { ToolExecutionOptions, ToolSet, UIMessage, UIMessageChunk } from "ai";
import type { AgentRun } from "../agent/agent-run.ts";
import { type Redact, redacted } from "../encryption/redact.ts";
import { notify } from "../agent/run-settings.ts";
import { nowMs } from "../http/pause.ts";
import { toolStepName } from "../journal/step-names.ts";
import { messageOf } from "../stream/message-of.ts";
import type {
  ApprovalRequestEvent,
  ApprovalResponseEvent,
  LiveEvent,
  RunSink,
  SettledEvent,
} from "../stream/run-sink.ts";
import { SettledSegments } from "../stream/settled-segments.ts";
import { StepChunks } from "../stream/step-chunks.ts";
import { toolChunk } from "../stream/tool-chunks.ts";
import { PendingQuestions } from "./pending-questions.ts";

/** Shortest time between two preliminary outputs, in milliseconds. */
const EVERY_MS = 250;
/** Bytes of preliminary outputs a millisecond, on average. */
const BYTES_PER_MS = 20;
/** Longest preliminary output, in characters of its JSON. */
const MAX_LENGTH = 64 * 1024;

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
  readonly #parent: AgentRun;
  readonly #agent: string;
  readonly #call: { readonly toolCallId: string; readonly toolName: string };
  readonly #redact: Redact | undefined;
  readonly #segments: SettledSegments;
  /** Questions as they are told live, and as the journal has them. */
  readonly #live = new PendingQuestions();
  readonly #settled = new PendingQuestions();
  /** What was told of tools since the last model step, by type and call. */
  readonly #tools = new Map<string, UIMessageChunk>();
  #step: { readonly segment: number; readonly chunks: StepChunks } | undefined;
  #chunks: UIMessageChunk[] = [];
  #nextMs = 0;
  #isTelling = false;

  constructor(parent: AgentRun, agent: string, toolCallId: string) {
    this.#parent = parent;
    this.#agent = agent;
    this.#redact = redactAround(parent);
    this.#call = { toolCallId, toolName: parent.toolNameOf(toolCallId) };
    this.#segments = new SettledSegments({ start: { type: "start", messageId: `${toolCallId}-${agent}` } });
  }

  tools(tools: ToolSet): void {
    this.#segments.tools = tools;
  }

  get stopped(): AbortSignal | undefined {
    return this.#parent.sink?.stopped;
  }

  settled(event: SettledEvent): void {
    this.#segments.add(event);
    if (event.type === "approval-request") {
      this.#live.add(event);
      if (this.#settled.add(event)) this.#parent.settled(this.#asOuter(event));
    } else if (event.type === "approval-response") {
      this.#live.answer(event);
      for (const next of this.#settled.answer(event)) this.#parent.settled(this.#asOuter(next));
    }
  }

  async live(event: LiveEvent): Promise<{ readonly stop: boolean }> {
    await this.#note(event);
    if (event.type === "approval-request") {
      await this.#tell(true);
      if (this.#live.add(event)) await this.#parent.live(this.#asOuter(event));
    } else if (event.type === "approval-response") {
      for (const next of this.#live.answer(event)) await this.#parent.live(this.#asOuter(next));
    } else {
      await this.#tell(event.type === "end");
    }
    return { stop: this.stopped?.aborted === true };
  }

  async #note(event: LiveEvent): Promise<void> {
    const { open } = this.#segments;
    switch (event.type) {
      case "reset":
        this.#tools.clear();
        this.#step = { segment: open, chunks: new StepChunks({ segment: open, tools: this.#segments.tools }) };
        this.#chunks = [{ type: "start-step" }];
        return;
      case "part":
        this.#chunks.push(...((await this.#step?.chunks.part(event.part)) ?? []));
        return;
      case "end":
        this.#chunks.push(...(this.#step?.chunks.end() ?? []));
        return;
      case "tool-output":
      case "tool-result":
      case "tool-error":
      case "tool-denied":
        this.#tools.set(event.toolCallId, toolChunk(event, {}));
        return;
      case "approval-request":
      case "approval-response":
        this.#tools.set(event.approvalId, toolChunk(event, {}));
        return;
      default:
    }
  }

  /** P1, P2. It never rejects: who watches must not cost a step. */
  async #tell(isDue: boolean): Promise<void> {
    const now = nowMs();
    // A further output would take the question's place in the outer message.
    if (this.#isTelling || !this.#live.isEmpty) return;
    if (!isDue && (this.#redact !== undefined || now < this.#nextMs)) return; // P4
    this.#isTelling = true;
    try {
      const message = shortened(await this.#message());
      if (message === undefined) return;
      const size = JSON.stringify(message).length;
      this.#nextMs = now + Math.max(EVERY_MS, size / BYTES_PER_MS);
      const step = toolStepName(this.#parent.name, this.#call.toolName, this.#call.toolCallId);
      const { toolName } = this.#call;
      const output =
        this.#redact === undefined ? message : redacted(message, this.#redact, { kind: "tool-output", toolName });
      const event = { type: "tool-output", step, ...this.#call, output } as const;
      await notify(this.#parent, event);
      await this.#parent.live(event);
    } catch (error) {
      this.#parent.place.invocation.sdkContext.console.warn(
        `The progress of agent "${this.#agent}" is not shown`,
        error,
      );
    } finally {
      this.#isTelling = false;
    }
  }

  async #message(): Promise<UIMessage> {
    const { open } = this.#segments;
    const chunks: UIMessageChunk[] = [];
    for (let segment = 1; segment < open; segment += 1) chunks.push(...(await this.#segments.text(segment)).chunks);
    const { before } = await this.#segments.openHead();
    return messageOf([...chunks, ...before, ...this.#tools.values(), ...this.#chunksOf(open)]);
  }

  /** Of the model step that is under way; when it has settled it is among the segments. */
  #chunksOf(open: number): readonly UIMessageChunk[] {
    return this.#step?.segment === open ? this.#chunks : [];
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

/** That of the innermost agent that has one. */
function redactAround(run: AgentRun | undefined): Redact | undefined {
  return run === undefined ? undefined : (run.options.redact ?? redactAround(run.parent));
}

/** The message, or its last parts; undefined when even the last one is too long. */
function shortened(message: UIMessage): UIMessage | undefined {
  let { parts } = message;
  while (JSON.stringify(parts).length > MAX_LENGTH) {
    if (parts.length <= 1) return undefined;
    parts = parts.slice(Math.ceil(parts.length / 2));
  }
  return { ...message, parts };
}
