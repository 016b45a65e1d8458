/**
 * One attempt of a fake invocation: the SDK's side of the journal.
 *
 * As with the SDK, only one promise may be awaited at a time, a step runs only once somebody awaits it, results go
 * through their serde, and which completion comes next is the journal's decision. In `request-response` mode the
 * attempt is suspended as soon as nothing awaited is ready and no awaited step is running.
 */
import { CancelledError, TerminalError } from "../restate.ts";
import type { Completion, Driver, Entry } from "../journal/driver.ts";
import { CANCELLATION, type FakeJournal, type FakeOutcome } from "./fake-journal.ts";

/** How invocations are driven. */
export type FakeMode = "bidirectional" | "request-response";

/** Picks what completes next, out of the commands that can: an index into `candidates`, or undefined to wait. */
export type Pick = (candidates: readonly number[], executing: readonly number[]) => number | undefined;

/** How an attempt ended, if not by the handler's own end. */
export type AttemptEnd =
  | { readonly kind: "suspended" }
  | { readonly kind: "crashed" }
  | { readonly kind: "failed"; readonly error: unknown };

/** What a command does. */
interface IssuedPart {
  readonly decode: (bytes: Uint8Array) => unknown;
  /** A step's code. */
  readonly run: (() => Promise<FakeOutcome>) | undefined;
  /** Completes by itself, given time: a timer, a call. */
  readonly complete: (() => FakeOutcome) | undefined;
}

/** A command that this attempt has issued. */
interface Issued extends IssuedPart {
  state: "idle" | "running" | "done";
  proposal: FakeOutcome | undefined;
}

/** What an attempt is made of. */
export interface AttemptInit {
  readonly journal: FakeJournal;
  readonly mode: FakeMode;
  readonly pick: Pick;
  /** Ends the attempt when the journal has so many events. */
  readonly crashAt: number | undefined;
  /** Cancels the invocation when the journal has so many events. */
  readonly cancelAt: number | undefined;
  readonly patienceMs: number;
  /** How many turns of the event loop pass before something completes. */
  readonly latency: () => number;
}

export class FakeAttempt implements Driver {
  readonly #init: AttemptInit;
  readonly #issued: Issued[] = [];
  readonly #completed = new Map<number, FakeOutcome>();
  readonly #ended = Promise.withResolvers<AttemptEnd>();
  readonly #attemptCompleted = new AbortController();
  #taken = 0;
  #awaiting = false;
  #over = false;
  #progress: (() => void) | undefined;

  constructor(init: AttemptInit) {
    this.#init = init;
  }

  /** Settles when the attempt ends without the handler's end. */
  get ended(): Promise<AttemptEnd> {
    return this.#ended.promise;
  }

  get completedSignal(): AbortSignal {
    return this.#attemptCompleted.signal;
  }

  end(end: AttemptEnd): void {
    this.#over = true;
    this.#ended.resolve(end);
    this.#attemptCompleted.abort();
  }

  /** Issues a command; its handle. A dead attempt issues nothing. */
  issue(kind: string, name: string, part: Partial<IssuedPart>): number {
    const handle = this.#issued.length;
    this.#issued.push({
      decode: () => undefined,
      run: undefined,
      complete: undefined,
      ...part,
      state: "idle",
      proposal: undefined,
    });
    if (this.#over) return handle;
    try {
      this.#init.journal.command(handle, kind, name);
    } catch (error) {
      this.end({ kind: "failed", error });
    }
    this.#crashIfDue();
    return handle;
  }

  async next(entries: readonly Entry[]): Promise<Completion> {
    if (this.#awaiting) {
      const error = new Error("awaitNext already pending");
      this.end({ kind: "failed", error });
      throw error;
    }
    this.#awaiting = true;
    const handles = entries.map((entry) => (entry as unknown as { readonly handle: number }).handle);
    const found = await this.#wait(handles);
    this.#awaiting = false;
    if (found.outcome.ok === "cancelled") throw new CancelledError();
    const { index } = found;
    if (!found.outcome.ok) {
      const { message, code, metadata } = found.outcome.error;
      const options = metadata === undefined ? { errorCode: code } : { errorCode: code, metadata };
      return { index, ok: false, error: new TerminalError(message, options) };
    }
    return { index, ok: true, value: this.#issued[handles[index] ?? 0]?.decode(found.outcome.bytes) };
  }

  turn(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.min(ms, this.#init.patienceMs));
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  async #wait(handles: readonly number[]): Promise<{ index: number; outcome: FakeOutcome }> {
    for (;;) {
      const ready = this.#take(handles);
      if (ready !== undefined) return ready;
      if (this.#over) await new Promise<never>(() => {});
      this.#startSteps(handles);
      for (let turns = this.#init.latency(); turns > 0; turns--) await this.turn();
      if (this.#init.mode === "request-response" && !handles.some((handle) => this.#isExecuting(handle))) {
        this.end({ kind: "suspended" });
      } else if (!this.#completeOne()) {
        await new Promise<void>((resolve) => {
          this.#progress = resolve;
        });
      }
    }
  }

  /** Takes completions from the journal, in its order, until one is for `handles`. */
  #take(handles: readonly number[]): { index: number; outcome: FakeOutcome } | undefined {
    for (;;) {
      const index = handles.findIndex((handle) => this.#completed.has(handle));
      const outcome = this.#completed.get(handles[index] ?? CANCELLATION - 1);
      if (outcome !== undefined) return { index, outcome };
      const completion = this.#init.journal.completions[this.#taken];
      if (completion === undefined) return undefined;
      this.#taken += 1;
      if (completion.command === CANCELLATION) return { index: 0, outcome: completion.outcome };
      this.#completed.set(completion.command, completion.outcome);
    }
  }

  #startSteps(handles: readonly number[]): void {
    for (const handle of handles) {
      const issued = this.#issued[handle];
      if (issued?.run === undefined || issued.state !== "idle") continue;
      issued.state = "running";
      issued.run().then(
        (proposal) => {
          issued.proposal = proposal;
          issued.state = "done";
          this.#progress?.();
        },
        (error: unknown) => this.end({ kind: "failed", error }),
      );
    }
  }

  #isExecuting(handle: number): boolean {
    const { state, run } = this.#issued[handle] ?? { state: "done", run: undefined };
    return run !== undefined && state === "running";
  }

  /** Lets one command that can complete do so; false when there is none, or the picker waits. */
  #completeOne(): boolean {
    if (this.#cancelIfDue()) return true;
    const candidates = this.candidates();
    const executing = this.#issued.flatMap(({ state }, handle) => (state === "running" ? [handle] : []));
    const picked = this.#init.pick(candidates, executing);
    if (picked === undefined) {
      if (executing.length > 0) return false;
      this.end({ kind: "suspended" });
      return true;
    }
    this.complete(candidates[picked] ?? 0);
    return true;
  }

  /** Commands that can complete now: steps that have ended, timers, calls, awakeables. */
  candidates(): number[] {
    const done = new Set(this.#init.journal.completions.map(({ command }) => command));
    return this.#issued.flatMap((issued, handle) => {
      const can = issued.proposal !== undefined || issued.complete !== undefined;
      return can && !done.has(handle) ? [handle] : [];
    });
  }

  /** Steps that have ended and whose result is not in the journal yet. */
  proposals(): number[] {
    return this.candidates().filter((handle) => this.#issued[handle]?.proposal !== undefined);
  }

  /** Writes the completion of a command into the journal. */
  complete(handle: number): void {
    const issued = this.#issued[handle];
    const outcome = issued?.proposal ?? issued?.complete?.();
    if (outcome === undefined) return;
    this.#init.journal.append({ type: "completion", command: handle, outcome });
    this.#crashIfDue();
  }

  #cancelIfDue(): boolean {
    const { cancelAt, journal } = this.#init;
    if (cancelAt === undefined || journal.events.length < cancelAt) return false;
    if (journal.completions.some(({ command }) => command === CANCELLATION)) return false;
    journal.append({ type: "completion", command: CANCELLATION, outcome: { ok: "cancelled" } });
    return true;
  }

  #crashIfDue(): void {
    const { crashAt, journal } = this.#init;
    if (crashAt !== undefined && journal.events.length >= crashAt) this.end({ kind: "crashed" });
  }
}
