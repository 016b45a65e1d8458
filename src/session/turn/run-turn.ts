/**
 * One turn of a conversation: what `send` does. It holds the session's lock, so turns come one after the other.
 *
 * - U1 Once. A turn that has ended is known by its id: sent again, it answers what it answered.
 * - U2 Whatever happens, the history is one that the next turn can go on with: the user's message, what was said and done
 *   until then, no tool call without its result. Then the failure goes on as it is (G5, G6). A turn that fails for the
 *   moment is not over: Restate tries again, and nothing is noted.
 * - U3 The turn is in the history before its stream ends, so whoever sees the end finds it there.
 * - U4 What the turn's message is follows from the journal, so it is the same in the history and in the stream.
 */
import type { ModelMessage, ToolSet } from "ai";
import type { BudgetMeter } from "../../agent/budget/budget-meter.ts";
import type { Delegation } from "../../agent/delegation.ts";
import { addUsage } from "../../agent/usage.ts";
import { rollbackReport, undoneHere } from "../../errors/rollback-report.ts";
import { requirePlace } from "../../journal/ambient.ts";
import { jsonCodec } from "../../journal/codec.ts";
import { atBoundary } from "../../journal/handlers.ts";
import { DEFAULT_WINDOW } from "../../journal/run-ahead.ts";
import type { StepOptions, StepScope } from "../../journal/step-host.ts";
import { stepHostAt } from "../../journal/step.ts";
import { CancelledError, type ObjectContext, TerminalError } from "../../restate.ts";
import { cutAt, newHead, type RunningTurn, type SessionHead, slotsOfPrompt, withTurn } from "../session-head.ts";
import { answerIdOf, streamIdOf } from "../session-info.ts";
import { asModelMessage, checkSend, type UserMessage } from "../session-input.ts";
import { beginStepName, endedStepName, endStepName, saidStepName } from "../session-steps.ts";
import type { SessionAnswer } from "../session-types.ts";
import type { Session } from "../session.ts";
import { alsoTo } from "../../stream/remote-progress.ts";
import { type StreamWriter, streamWriter } from "../../stream/stream-writer.ts";
import type { TurnEnd } from "../../stream/turn-end.ts";
import { withClientCalls } from "../client-tools/client-calls.ts";
import { sendTurn } from "../steering/send-turn.ts";
import { TurnInbox } from "../steering/turn-inbox.ts";
import { withRollback } from "../../tools/rollback/with-rollback.ts";
import { afterTurn, watchExpiry } from "./after-turn.ts";
import { compact } from "./compact.ts";
import { readMark } from "./compaction-mark.ts";
import { endKilledStream } from "./killed-stream.ts";
import { lostFilesAfter, withoutLostFiles } from "./lost-files.ts";
import { type Conversation, readPast, rememberSummary, rememberTurn } from "./past-turns.ts";
import { promptOf } from "./prompt.ts";
import { saidIn } from "./said.ts";
import { failureOf, type KnownId, maskedError, type StoredTurn, storedAnswer } from "./stored-turn.ts";
import { runAgent, type TurnAnswer } from "./turn-agent.ts";
import { turnBudget } from "./turn-budget.ts";
import { type EndedStep, TurnRecorder } from "./turn-recorder.ts";
import type { SteeredMessage } from "./steered.ts";
import { turnIdOf, type TurnStart, turnStart, withoutKilled } from "./turn-start.ts";
import {
  readHead,
  readId,
  readTurn,
  writeHead,
  writeId,
  writeMessageTurn,
  writeSummary,
  writeTurn,
} from "./turn-state.ts";

/** @throws InvalidInputError (400), and what the agent's run failed with. */
export async function runTurn(
  session: Session,
  context: ObjectContext,
  rawInput: unknown,
  call?: Delegation,
): Promise<SessionAnswer> {
  const input = checkSend(session.name, rawInput);
  const turn = turnIdOf(input, context);
  const [stored, known] = await Promise.all([readHead(context), readId(context, turn)]);
  const answered = known === undefined ? undefined : await readTurn(context, known.slot);
  if (answered !== undefined) return storedAnswer(answered);
  const head = stored ?? newHead(context.rand.uuidv4());
  const clean = await withoutKilled(context, head, turn);
  if (head.running !== undefined && head.running.turn !== turn) await endKilledStream(session, context, head.running);
  const start = await turnStart(session.name, context, clean, input, turn);
  return new Turn(session, context, clean, { ...start, call }).run(input.options);
}

/** What a turn begins with. */
interface TurnInit extends TurnStart {
  /** Who has called, when that is an agent. */
  readonly call: Delegation | undefined;
}

/** The turn that runs. */
class Turn {
  readonly #session: Session;
  readonly #context: ObjectContext;
  readonly #conversation: Conversation;
  readonly #turn: string;
  readonly #message: UserMessage;
  readonly #replaces: number | undefined;
  readonly #steered: readonly SteeredMessage[];
  readonly #slot: number;
  readonly #writer: StreamWriter;
  readonly #bounds: Delegation["bounds"];
  readonly #recorder: TurnRecorder;
  #inbox: TurnInbox | undefined;
  #budget: BudgetMeter | undefined;
  #head: SessionHead;
  #startedAt = "";

  constructor(
    session: Session,
    context: ObjectContext,
    head: SessionHead,
    { turn, message, replaces, steered, call }: TurnInit,
  ) {
    this.#session = session;
    this.#context = context;
    this.#head = replaces === undefined ? head : cutAt(head, replaces);
    this.#turn = turn;
    this.#message = message;
    this.#replaces = replaces;
    this.#steered = steered;
    this.#slot = head.nextSlot;
    this.#conversation = { service: session.name, key: context.key, epoch: head.epoch };
    this.#writer = streamWriter({
      store: session.streams,
      stream: streamIdOf(session.name, context.key, turn),
      messageId: answerIdOf(turn),
      grant: context.rand.uuidv4(),
      batchMs: session.streamBatchMs,
    });
    this.#bounds = call?.bounds ?? [];
    this.#recorder = new TurnRecorder(alsoTo(this.#writer, call?.sink), call?.usage);
  }

  async run(options: unknown): Promise<SessionAnswer> {
    this.#startedAt = await this.#time(beginStepName(this.#session.name));
    this.#writeRunning();
    const work = async (): Promise<readonly [answer: TurnAnswer, endedAt: string]> => {
      const answer = await this.#runAgent(options);
      return [answer, await this.#settle()];
    };
    let ended: Awaited<ReturnType<typeof work>>;
    try {
      ended = await withRollback(work, { name: this.#session.name });
    } catch (error) {
      const failure = atBoundary(error);
      if (failure instanceof TerminalError) await this.#fail(failure);
      throw failure;
    }
    const stored = await this.#complete(...ended);
    await afterTurn(this.#session, this.#context, this.#head, {
      messages: [await asModelMessage(this.#message), ...this.#recorder.messages],
      text: stored.text,
    });
    return storedAnswer(stored);
  }

  async #runAgent(options: unknown): Promise<TurnAnswer> {
    const agent = this.#session.agent();
    const { approvals, inbox, name } = this.#session;
    const { key } = this.#context;
    const message = await asModelMessage(this.#message);
    const messages = [...(await this.#prompt(message)), ...this.#recorder.given(this.#steered)];
    if (inbox !== undefined) {
      this.#inbox = new TurnInbox({ inbox, key, turn: this.#turn, agent: agent.name, sink: this.#recorder });
    }
    const session = { service: name, key, turn: this.#turn };
    const turn = { key, head: this.#head, ledger: this.#recorder.ledger, startedAt: this.#startedAt };
    this.#budget = turnBudget(this.#session, turn);
    const own = {
      approvals: { ...approvals, session },
      recorder: this.#recorder,
      inbox: this.#inbox,
      budget: this.#budget,
    };
    const calls = this.#session.clientCalls;
    const clientTools = calls && ((tools: ToolSet) => withClientCalls({ ...calls, key, turn: this.#turn }, tools));
    return runAgent({ agent, messages, options, ...own, clientTools, bounds: this.#bounds });
  }

  async #prompt(message: Awaited<ReturnType<typeof asModelMessage>>): Promise<ModelMessage[]> {
    const { compaction } = this.#head;
    const slots = slotsOfPrompt(this.#head).filter((slot) => slot < (this.#replaces ?? Infinity));
    const read = await readPast(this.#conversation, { slots, summary: compaction?.upTo });
    const mark = await readMark(this.#session, this.#conversation, this.#head);
    const past = { ...read, mark };
    if (compaction !== undefined) this.#head = { ...this.#head, compaction: { ...compaction, mark } };
    const compacted = await compact(this.#session, this.#context, { head: this.#head, slots, past });
    const { summary } = compacted.past;
    if (compacted.upTo !== undefined && summary !== undefined) {
      writeSummary(this.#context, compacted.upTo, summary);
      rememberSummary(this.#conversation, compacted.upTo, summary);
      this.#head = {
        ...this.#head,
        compaction: { upTo: compacted.upTo, mark: compacted.past.mark },
        contextTokens: undefined,
      };
      this.#writeRunning();
    }
    const { lostFiles = [] } = this.#head;
    return [...withoutLostFiles(promptOf(compacted.past), lostFiles), message];
  }

  /** So that others see that it runs, and the next turn that it did should this one be killed. */
  #writeRunning(): void {
    const running: RunningTurn = {
      turn: this.#turn,
      slot: this.#slot,
      invocationId: this.#context.request().id,
      startedAt: this.#startedAt,
      message: this.#message,
      replaces: this.#replaces,
    };
    this.#head = { ...this.#head, running };
    writeHead(this.#context, this.#head);
  }

  /** The time; and from here on all that happened is durable, so others may be told (G4). */
  async #settle(): Promise<string> {
    const endedAt = await this.#time(endedStepName(this.#session.name));
    const { invocation, fiber } = requirePlace("a session's turn");
    await invocation.scheduler.gate(fiber);
    return endedAt;
  }

  async #complete(answer: TurnAnswer, endedAt: string): Promise<StoredTurn> {
    const { lastStep, usage } = this.#recorder;
    const finishReason = lastStep?.finishReason ?? "other";
    const isInterrupted = finishReason === "interrupted";
    const { budget } = answer;
    const metadata = {
      ...this.#facts(endedAt),
      finishReason,
      ...(isInterrupted ? { interrupted: true } : {}),
      ...(budget === undefined ? {} : { budget }),
    };
    const end: TurnEnd = { outcome: isInterrupted ? "interrupted" : "completed", finishReason, metadata };
    const stored = await this.#store(
      end,
      {
        ...answer,
        finishReason,
        usage,
        ...(isInterrupted ? { interrupted: true as const } : {}),
      },
      endedAt,
    );
    await this.#endStream(end);
    return stored;
  }

  /** Notes what there is; the failure is the caller's to throw. */
  async #fail(error: TerminalError): Promise<void> {
    const isCancelled = error instanceof CancelledError;
    const outcome = isCancelled ? "cancelled" : "failed";
    // Cancelled once more: the note is what matters, not the time on it.
    const endedAt = await this.#settle().catch(() => this.#startedAt);
    const said = isCancelled ? await this.#keepSaid() : undefined;
    const report = rollbackReport(error);
    this.#recorder.runFailed(undoneHere(error));
    const { usage, lastStep } = this.#recorder;
    const facts = {
      ...this.#facts(endedAt),
      finishReason: "error",
      ...(isCancelled ? { interrupted: true } : { error: maskedError(error) }),
      ...(report && { rollback: { undone: report.undoneCount, notUndone: report.notUndoneCount } }),
    };
    const end: TurnEnd = { outcome, error, metadata: facts };
    const text = said ?? lastStep?.text ?? "";
    const lostFiles = lostFilesAfter(this.#head.lostFiles ?? [], error);
    if (lostFiles.length > 0) this.#head = { ...this.#head, lostFiles };
    await this.#store(end, { text, finishReason: "error", usage, failure: failureOf(error) }, endedAt);
    await this.#endStream(end).catch(() => {});
  }

  /** What the model has said in a step that will not end stays, as readers have seen it. Cancelled again, it does not. */
  async #keepSaid(): Promise<string | undefined> {
    const { streams, name } = this.#session;
    const segment = this.#recorder.openSegment;
    if (streams === undefined || segment === undefined) return undefined;
    const stream = streamIdOf(name, this.#context.key, this.#turn);
    const read = ({ signal }: StepScope) => saidIn(streams, stream, segment, signal);
    const step = saidStepName(name);
    const host = stepHostAt(requirePlace("a session's turn"));
    try {
      const content = await host.step(step, read, jsonCodec, END_TRIES);
      return this.#recorder.cutOff(step, content as Awaited<ReturnType<typeof saidIn>>);
    } catch (error) {
      if (error instanceof TerminalError) return undefined;
      throw error;
    }
  }

  #facts(endedAt: string): Readonly<Record<string, unknown>> {
    return { turn: this.#turn, startedAt: this.#startedAt, endedAt, usage: this.#recorder.usage };
  }

  async #store(end: TurnEnd, facts: Omit<StoredTurn, "v" | "turn" | "messages">, endedAt: string): Promise<StoredTurn> {
    const messages = [await asModelMessage(this.#message), ...this.#recorder.messages];
    const stored: StoredTurn = {
      v: 1,
      turn: this.#turn,
      messages: [this.#message, await this.#writer.message(end)],
      ...facts,
    };
    writeTurn(this.#context, this.#slot, stored, messages);
    const known: KnownId = { slot: this.#slot, turn: this.#turn, invocationId: this.#context.request().id };
    const steered = [...this.#steered.map(({ id }) => id), ...(this.#inbox?.deliveredIds ?? [])];
    for (const id of [this.#turn, ...steered]) writeId(this.#context, id, known);
    writeMessageTurn(this.#context, this.#message.id, known);
    const head: SessionHead = {
      ...withTurn(this.#head, this.#slot, this.#replaces),
      usage: addUsage(this.#head.usage, facts.usage),
      contextTokens: end.outcome === "completed" ? contextTokens(this.#recorder.lastStep) : undefined,
      lastEndedAt: endedAt,
      budget: this.#budget?.stateAt(Date.parse(endedAt)) ?? this.#head.budget,
    };
    this.#head = watchExpiry(this.#session, this.#context, head);
    writeHead(this.#context, this.#head);
    this.#inbox?.close((message) => sendTurn(this.#context, this.#session.name, message));
    rememberTurn(this.#conversation, this.#slot, messages);
    return stored;
  }

  /** A store that is away must not keep the turn: after some tries its readers are left to find the end themselves. */
  async #endStream(end: TurnEnd): Promise<void> {
    if (this.#session.streams === undefined) return;
    const finish = async ({ signal }: StepScope): Promise<undefined> => {
      await this.#writer.finish(end, signal);
      return undefined;
    };
    try {
      await this.#step(endStepName(this.#session.name), finish, END_TRIES);
    } catch (error) {
      if (error instanceof CancelledError || !(error instanceof TerminalError)) throw error;
      this.#context.console.warn(`The stream of turn ${this.#turn} has no end`, error);
    }
  }

  async #time(name: string): Promise<string> {
    // oxlint-disable-next-line library/no-ambient-date -- inside a journaled step
    const now = async (): Promise<string> => new Date().toISOString();
    return (await this.#step(name, now)) as string;
  }

  /** Has no effect that others must wait for, so it runs ahead of its acknowledgement. */
  async #step(
    name: string,
    action: (scope: StepScope) => PromiseLike<unknown>,
    options?: StepOptions,
  ): Promise<unknown> {
    const place = requirePlace("a session's turn");
    return await stepHostAt(place, DEFAULT_WINDOW).step(name, action, jsonCodec, options);
  }
}

/** Of a turn that was cut off the provider has not counted all. */
function contextTokens(last: EndedStep | undefined): number | undefined {
  if (last?.usage.inputTokens === undefined) return undefined;
  return last.usage.inputTokens + (last.usage.outputTokens ?? 0);
}

/** Each try lasts for seconds by itself. */
const END_TRIES: StepOptions = { maxRetryAttempts: 2, initialRetryInterval: 500 };
