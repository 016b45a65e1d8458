/** Options of a session, and what becomes of them. */
import type { ModelMessage } from "ai";
import { type Budget, checkBudget } from "../agent/budget/budget.ts";
import type { Approvals } from "../approvals/approvals.ts";
import { durationMs } from "../journal/duration.ts";
import { DefinitionError } from "../errors/definition-error.ts";
import type { Duration, ServiceOptions } from "../restate.ts";
import type { StreamStore } from "../stream/stream-store.ts";

/** How a conversation is kept within what the model can read. */
export interface CompactionOptions {
  /**
   * Above so many tokens older turns are summarised before the next turn begins. Counted as the provider did for the last
   * turn, or estimated at four characters a token.
   */
  readonly maxTokens: number;
  /** The last turns that are never summarised. Default 4, at least 1. */
  readonly keepTurns?: number | undefined;
  /**
   * Summarises. It runs in the journaled step `<service> compact`: it may do I/O, such as calling a model with
   * `generateText`, and is retried like a tool. Default: the agent's own model does, as a journaled step.
   */
  readonly summarize?: ((conversation: CompactionInput) => string | PromiseLike<string>) | undefined;
}

/** What `summarize` is given. */
export interface CompactionInput {
  /** The turns to be summarised, after what `previous` has. */
  readonly messages: readonly ModelMessage[];
  /** The summary before this one. */
  readonly previous?: string | undefined;
  /** Aborted when the invocation is cancelled or this attempt ends. */
  readonly signal: AbortSignal;
}

/** What `title` is given: the first turn. */
export interface TitleInput {
  readonly messages: readonly ModelMessage[];
  /** What the assistant said at the end of it. */
  readonly text: string;
  /** Aborted when the invocation is cancelled or this attempt ends. */
  readonly signal: AbortSignal;
}

/** Options of a session: Restate's for virtual objects, and ours. */
export type SessionOptions = ServiceOptions & {
  /** Sends no state along unless it is asked for. Default true: a session's state grows with the conversation. */
  readonly enableLazyState?: boolean;
  /**
   * Where the streams of turns are kept. Default: in a Restate object that the session brings along. `false`: there are
   * none; then `interrupt` cancels.
   */
  readonly streams?: StreamStore | false;
  /** How long parts are collected before they are sent to the store, in milliseconds. Default 50. */
  readonly streamBatchMs?: number;
  /** How long the default store keeps a stream after its end; a number is milliseconds. Default one hour. */
  readonly streamRetention?: Duration | number;
  /** How people are asked before tools that need an approval. */
  readonly approvals?: {
    /** How long to wait for an answer; a number is milliseconds. Default: for ever. */
    readonly timeout?: Duration | number;
    /** What holds when nobody has answered in time. Default `deny`. */
    readonly onTimeout?: "approve" | "deny";
    /** Tells people of a question; see `Approvals`. */
    readonly notify?: Approvals["notify"];
    /** How long answered questions are kept; a number is milliseconds. Default 30 days. */
    readonly retention?: Duration | number;
  };
  /**
   * Tools that the client executes: those without `execute`. The turn waits for their outputs, which `useChat` sends with
   * `addToolOutput`. Without streams no client hears of them, so the run ends with such calls.
   */
  readonly clientTools?: {
    /** How long to wait for an output; a number is milliseconds. Then the model is told so. Default one day. */
    readonly timeout?: Duration | number;
  };
  /**
   * Whether messages can be added to a running turn. It costs one call of a small object for each model step. Default
   * true.
   */
  readonly steering?: boolean;
  /** Keeps long conversations within what the model can read. Default: the model is given all of it. */
  readonly compaction?: CompactionOptions;
  /**
   * Names the conversation after its first turn, in the journaled step `<service> title`. Nothing: it stays without. A
   * title that `update` gave stays. What it throws for good is noted, and the turn goes on.
   */
  readonly title?: (turn: TitleInput) => string | undefined | PromiseLike<string | undefined>;
  /**
   * What all turns of a conversation may use together: model calls, tokens, money, and time while turns run. It holds besides
   * the `budget` of the agent, which is for each turn. `reset` does not give it back; `expiry` does. The calls that summarise
   * and name the conversation are not counted, and a turn that was killed is not.
   */
  readonly budget?: Budget;
  /** The session forgets itself so long after its last turn; a number is milliseconds. Default: never. */
  readonly expiry?: Duration | number;
};

/** @throws DefinitionError for an option that makes no sense. */
export function checkSessionOptions(name: string, options: SessionOptions): void {
  const { compaction, title, expiry, streamBatchMs, streamRetention, approvals, clientTools } = options;
  if (options.ingressPrivate === true) {
    throw wrong(name, "ingressPrivate must not be true: it reads its own earlier turns through the ingress");
  }
  const durations = {
    expiry,
    streamRetention,
    "approvals.timeout": approvals?.timeout,
    "clientTools.timeout": clientTools?.timeout,
  };
  for (const [option, duration] of Object.entries(durations)) {
    if (duration === undefined || durationMs(duration) > 0) continue;
    throw wrong(name, `${option} must be above 0: current value is ${durationMs(duration)} ms`);
  }
  if (streamBatchMs !== undefined && !(Number.isFinite(streamBatchMs) && streamBatchMs >= 0)) {
    throw wrong(name, `streamBatchMs must be a number of milliseconds: current value is ${streamBatchMs}`);
  }
  if (title !== undefined && typeof title !== "function") throw wrong(name, "title must be a function");
  if (options.budget !== undefined) checkBudget(`session "${name}"`, options.budget);
  if (compaction !== undefined) checkCompaction(name, compaction);
}

function checkCompaction(name: string, { maxTokens, keepTurns = 1, summarize }: CompactionOptions): void {
  for (const [option, value] of Object.entries({ maxTokens, keepTurns })) {
    if (Number.isSafeInteger(value) && value > 0) continue;
    throw wrong(name, `compaction.${option} must be a positive integer: current value is ${String(value)}`);
  }
  if (summarize !== undefined && typeof summarize !== "function") {
    throw wrong(name, "compaction.summarize must be a function");
  }
}

function wrong(name: string, problem: string): DefinitionError {
  return new DefinitionError(`Cannot define session "${name}": ${problem}`);
}
