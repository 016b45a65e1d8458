/**
 * Running ahead of acknowledgements, for endpoints in request-response mode (Workers).
 *
 * There an acknowledgement comes only with the next request, and each awaited step would cost one. Some steps need not
 * wait: a model call has no side effect of its own, so it may use results that are on their way into the journal. Such
 * steps run *ahead*: what a step proposes to Restate is handed over at once, and the next step is declared in the same
 * request. The commands are the ones that would be issued without it, in the same order: no entry is added.
 *
 * Why a replay takes the same path (G2):
 *
 * - W1 Proposal first. A result is handed over after its proposal went into the response stream, and commands follow it
 *   there. Restate reads the stream in order: if a command is in the journal, so are the results that led to it.
 * - W2 Journal order. Proposals are handed over in the order in which they were made, which is the order in which
 *   Restate writes them. Failures are not handed over early, because Restate may retry them, and nor is what is proposed
 *   after one: on replay the failure would come first.
 * - W3 Nothing else pending. While anything but ahead steps is awaited (a timer, a call, a step of the user's), the
 *   scheduler does not run ahead: what comes first is then the journal's decision alone (S3).
 * - W4 Barriers. What has side effects begins behind a gate. A gate opens when all that was handed over early is
 *   acknowledged, which in request-response mode means: in the next request (G4).
 * - W5 Bounds. A window that has reached its steps, bytes or time ends: the attempt waits for its acknowledgements. Where
 *   that happens decides nothing about the journal, so the bounds may look at the clock.
 * - W6 Late news. Where a cancellation or a watched timer stands in the journal, among results that were handed over
 *   early, says nothing about what the attempt knew. So between gates nobody hears of it. The next step to begin is
 *   refused instead, and the refusal is its journaled result: with it, or at the next gate, the news is told (S6).
 */
import { TerminalError } from "../restate.ts";
import type { JournalAwaitable } from "./awaitable.ts";
import type { Fiber } from "./fiber.ts";

/** How far steps may run ahead of their acknowledgements. */
export interface Window {
  /** Most steps whose acknowledgement is outstanding. */
  readonly steps: number;
  /**
   * Longest time from the start of a request to the last step that begins in it, in milliseconds. A cancellation is heard
   * of when the step that is under way then has ended.
   */
  readonly ms: number;
  /** Most bytes of results whose acknowledgement is outstanding. */
  readonly bytes: number;
}

/** The default: 128 steps, 30 seconds, 1 MiB. */
export const DEFAULT_WINDOW: Window = { steps: 128, ms: 30_000, bytes: 1_048_576 };

/** A result on its way to Restate. */
export interface Proposal {
  readonly awaitable: JournalAwaitable<unknown>;
  readonly value: unknown;
  readonly bytes: number;
}

/** Something that happened between gates (W6). */
export interface LateNews {
  /** What happened; it is noted once. */
  readonly what: unknown;
  /** Whom it concerns: no further step of this fiber and its descendants begins. */
  readonly scope: Fiber;
  tell(): void;
}

/** What one attempt has used of results that are not acknowledged yet. */
export class RunAhead {
  /** Used, and not acknowledged. */
  readonly unacknowledged: Set<JournalAwaitable<unknown>> = new Set();

  readonly #now: () => number;
  /** When the attempt began: no news reached it since (W6). */
  readonly #sinceMs: number;
  readonly #proposals: Proposal[] = [];
  readonly #news: LateNews[] = [];
  #failed = false;
  #bytes = 0;
  #arrived = Promise.withResolvers<void>();

  constructor(now: () => number) {
    this.#now = now;
    this.#sinceMs = now();
  }

  /** Called with each result of an ahead step, in the order in which they are proposed (W2). */
  propose(proposal: Proposal): void {
    if (this.#failed) return;
    this.#proposals.push(proposal);
    this.#arrived.resolve();
  }

  /** Called when an ahead step fails: what is proposed from now on waits for its acknowledgement (W2). */
  fail(): void {
    this.#failed = true;
  }

  /** Notes what must not be told yet. */
  note(news: LateNews): void {
    if (!this.isNoted(news.what)) this.#news.push(news);
  }

  isNoted(what: unknown): boolean {
    return this.#news.some((news) => news.what === what);
  }

  get hasNews(): boolean {
    return this.#news.length > 0;
  }

  /** Forgets what nobody wants to hear any more. */
  forget(what: unknown): void {
    const at = this.#news.findIndex((news) => news.what === what);
    if (at >= 0) void this.#news.splice(at, 1);
  }

  /** True when a step of `fiber` must not begin. */
  refuses(fiber: Fiber): boolean {
    return this.#news.some(({ scope }) => fiber.hears(scope));
  }

  /** Tells what was noted first. What it sets in motion must come to rest before the next is told (S2). */
  tell(): LateNews | undefined {
    const news = this.#news.shift();
    news?.tell();
    return news;
  }

  /** Settles when a result that nobody has taken is there. */
  get arrival(): Promise<void> {
    return this.#arrived.promise;
  }

  /** The first result that is awaited, counted as used; results that nobody awaits are dropped. */
  take(awaited: readonly JournalAwaitable<unknown>[]): Proposal | undefined {
    const taken = this.#proposals.splice(0).filter(({ awaitable }) => awaited.includes(awaitable));
    const [first, ...later] = taken;
    this.#arrived = Promise.withResolvers();
    this.#proposals.push(...later);
    if (later.length > 0) this.#arrived.resolve();
    if (first === undefined) return undefined;
    if (this.unacknowledged.size === 0) this.#bytes = 0;
    this.unacknowledged.add(first.awaitable);
    this.#bytes += first.bytes;
    return first;
  }

  /** True when the window of one of `awaited` has been used up, or has lasted `maxMs` (W5). */
  isExhausted(awaited: readonly JournalAwaitable<unknown>[], maxMs: number = Infinity): boolean {
    const steps = this.unacknowledged.size;
    if (steps === 0) return false;
    return awaited.some(
      ({ window }) =>
        window !== undefined &&
        (steps >= window.steps || this.#bytes >= window.bytes || this.isOverdue(Math.min(window.ms, maxMs))),
    );
  }

  /** True when the attempt is at least `ms` milliseconds old. */
  isOverdue(ms: number): boolean {
    return this.#now() - this.#sinceMs >= ms;
  }
}

const REFUSED = "restate-edge-agents.refused";

/** The result of a step that was not begun because of late news (W6). */
export function refusal(): TerminalError {
  return new TerminalError("Cancelled, or timed out, before this step began", {
    errorCode: 409,
    metadata: { [REFUSED]: "cancelled" },
  });
}

/** True for what `refusal()` made, also when it comes from the journal. */
export function isRefusal(error: unknown): boolean {
  return error instanceof TerminalError && error.metadata?.[REFUSED] !== undefined;
}
