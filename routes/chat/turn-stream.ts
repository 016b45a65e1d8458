/**
 * What a client is told of a turn: the chunks of its stream, to its end, which always comes.
 *
 * - T1 A client that went away, or is slow, changes nothing for the turn.
 * - T2 Nothing comes twice: not what the client says it has, by an offset or by its message, and not what an attempt of
 *   the turn has told before.
 * - T3 A turn whose stream does not end, because its invocation was killed or the store has lost it, ends with what its
 *   invocation and the history say: the whole message, or a masked error.
 * - T4 With `until: "pause"` the answer ends, without a `finish`, when the turn waits for people or its client alone.
 */
import type { UIMessage, UIMessageChunk } from "ai";
import { StreamLostError } from "../../src/errors/stream-lost-error.ts";
import { nowMs, pause } from "../../src/http/pause.ts";
import type { SseEntry } from "../../src/stream/sse.ts";
import { readStreamPages } from "../../src/stream/stream-reader.ts";
import type { StreamEntry, StreamStore } from "../../src/stream/stream-store.ts";
import { Continuation } from "./continuation.ts";
import { chunksOf } from "./message-chunks.ts";
import { Repeats } from "./repeats.ts";
import type { TurnResult } from "./turn-result.ts";
import { type Answered, TurnWatch } from "./turn-watch.ts";

/** How a turn is read. */
export interface TurnReading {
  /** Undefined: the session has none, and all comes at the end. */
  readonly store: StreamStore | undefined;
  readonly stream: string;
  /** Entries up to this offset are the client's already. 0: it has none. */
  readonly after: number;
  readonly until: "pause" | "end";
  /** The message that the client has, to which more is added. */
  readonly message?: UIMessage | undefined;
  /** What this client has answered: the turn does not wait for it any more. */
  readonly answered?: Answered | undefined;
  /** How the turn ended; undefined while it goes on, or is queued. */
  readonly result: () => Promise<TurnResult | undefined>;
  /** The client is gone. */
  readonly signal: AbortSignal;
}

/** How long a turn must have waited for people or its client before its readers are let go, in milliseconds. */
const PAUSE_MS = 300;
/** How often it is asked whether a turn without a stream has ended, in milliseconds. */
const ASK_MS = 1_000;
/** How long a store may be away before the turn's end is asked for instead, in milliseconds. */
const STORE_AWAY_MS = 5_000;
/** How long Restate may be away, too, in milliseconds. */
const RESTATE_AWAY_MS = 60_000;

/** The chunks of a turn, some at a time. Ends when the client is gone. */
export async function* readTurn(reading: TurnReading): AsyncGenerator<readonly SseEntry[], void, void> {
  const { message, after, store } = reading;
  const watch = new TurnWatch(reading.answered);
  const continuation = message === undefined ? undefined : new Continuation(message);
  const repeats = new Repeats();
  const ending = new TurnEnding(reading);
  let last = 0;
  for (let isLost = store === undefined; !isLost;) {
    try {
      for await (const page of pagesUntilPause(reading, watch, ending, last)) {
        const unknown = page.filter(({ offset, chunk }) => {
          last = offset;
          if (repeats.has(chunk)) return false;
          watch.see(chunk);
          const isKnown = continuation?.has(chunk) ?? false;
          return offset > after && !isKnown;
        });
        if (unknown.length > 0) yield unknown;
      }
      if (watch.isOver || reading.signal.aborted || hasPaused(reading, watch)) return;
      isLost = true;
    } catch (error) {
      if (!(error instanceof StreamLostError)) throw error;
      // The turn may go on, and its store come back.
      isLost = error.reason !== "unreachable" || (await ending.known());
    }
  }
  const end = await ending.wait();
  if (end === undefined) return;
  const steps = Math.max(watch.steps, stepsOf(message));
  // What the client has got beyond what the store still has cannot be told apart.
  yield [...endOf(end, last < after, steps)];
}

/** How many steps a message has, as a client counts them. */
export function stepsOf(message: UIMessage | undefined): number {
  return message?.parts.filter(({ type }) => type === "step-start").length ?? 0;
}

function hasPaused({ until }: TurnReading, watch: TurnWatch): boolean {
  return until === "pause" && watch.isPaused;
}

/** Entries after `after`. @throws StreamLostError */
async function* pagesUntilPause(
  reading: TurnReading,
  watch: TurnWatch,
  ending: TurnEnding,
  after: number,
): AsyncGenerator<readonly StreamEntry[], void, void> {
  const { store, stream } = reading;
  if (store === undefined) return;
  const leave = new AbortController();
  const signal = AbortSignal.any([reading.signal, leave.signal]);
  const isOver = (): Promise<boolean> => ending.known();
  const pages = readStreamPages(store, stream, { after, signal, isOver, toleranceMs: STORE_AWAY_MS });
  try {
    for (;;) {
      const next = pages.next();
      if (hasPaused(reading, watch) && !(await settlesWithin(PAUSE_MS, next))) {
        next.catch(() => undefined);
        return;
      }
      const { done, value } = await next;
      if (done === true) return;
      yield value;
    }
  } finally {
    leave.abort();
  }
}

/** How the turn ended, asked for until it is known. */
class TurnEnding {
  readonly #reading: TurnReading;
  #end: TurnResult | undefined;
  #awaySinceMs: number | undefined;

  constructor(reading: TurnReading) {
    this.#reading = reading;
  }

  /** Whether it has ended. @throws whatever keeps from asking, when it has done so for long. */
  async known(): Promise<boolean> {
    try {
      this.#end ??= await this.#reading.result();
      this.#awaySinceMs = undefined;
    } catch (error) {
      this.#awaySinceMs ??= nowMs();
      if (nowMs() - this.#awaySinceMs >= RESTATE_AWAY_MS) throw error;
    }
    return this.#end !== undefined;
  }

  /** Waits for its end. Undefined when the client is gone. */
  async wait(): Promise<TurnResult | undefined> {
    while (!(await this.known())) {
      if (this.#reading.signal.aborted) return undefined;
      await pause(ASK_MS, this.#reading.signal);
    }
    return this.#end;
  }
}

/** T3 */
function* endOf({ message, errorText, isCancelled }: TurnResult, isLost: boolean, steps: number): Generator<SseEntry> {
  if (isLost) {
    yield { chunk: { type: "error", errorText: "The live stream was lost: load the conversation again." } };
    return;
  }
  if (message !== undefined) for (const chunk of chunksOf(message, steps)) yield { chunk };
  if (isCancelled) yield { chunk: { type: "abort" } };
  else if (errorText !== undefined) yield { chunk: { type: "error", errorText } };
  else yield { chunk: { type: "finish", ...finishReasonOf(message) } };
}

function finishReasonOf(message: UIMessage | undefined): Pick<UIMessageChunk & { type: "finish" }, "finishReason"> {
  const metadata = message?.metadata as {
    readonly finishReason?: (UIMessageChunk & { type: "finish" })["finishReason"];
  };
  return metadata?.finishReason === undefined ? {} : { finishReason: metadata.finishReason };
}

/** Whether it settles, either way, within this time. */
async function settlesWithin(ms: number, promise: Promise<unknown>): Promise<boolean> {
  const settled = new AbortController();
  const isSettled = promise.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([isSettled, pause(ms, settled.signal).then(() => false)]);
  } finally {
    settled.abort();
  }
}
