/**
 * One attempt of a fake invocation: the SDK's side of the journal.
 *
 * - F1 As with the SDK, only one promise may be awaited at a time, a step runs only once somebody awaits it, results
 *   go through their serde, and which completion comes next is the journal's decision.
 * - F2 Until the attempt has issued every command of the journal, it may wait for nothing that the journal lacks.
 * - F3 `request-response`: what a step proposes, and what happens outside, is written into the journal at once, but the
 *   attempt sees only what was there when it began. It is suspended as soon as nothing awaited is ready and no awaited
 *   step is running.
 * - F4 Time is virtual. Timers fire in the order of their due times and when nothing else can happen (`timersLast`),
 *   or else in any order, which is what tests of the order itself want.
 */
import { CancelledError, type Duration, TerminalError } from "../restate.ts";
import type { Completion, Driver, Entry } from "../journal/driver.ts";
import { CANCELLATION, type FakeJournal, type FakeOutcome } from "./fake-journal.ts";
import { FakeEntry, type FakePromiseHost } from "./fake-promise.ts";

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
export interface CommandPart {
  readonly decode: (bytes: Uint8Array) => unknown;
  /** A step's code. */
  readonly run: (() => Promise<FakeOutcome>) | undefined;
  /** Completes by itself, given time: a timer, a call. Undefined: it never does. */
  readonly complete: (() => FakeOutcome | undefined) | undefined;
  /** A timer: when it fires, in milliseconds from now. */
  readonly delayMs: number | undefined;
}

/** A command that this attempt has issued. */
interface Issued extends CommandPart {
  readonly dueMs: number | undefined;
  state: "idle" | "running" | "done" | "never";
  proposal: FakeOutcome | undefined;
}

/** What an attempt is made of. */
export interface AttemptInit {
  readonly journal: FakeJournal;
  readonly mode: FakeMode;
  readonly pick: Pick;
  /** Ends the attempt when the journal has so many events. */
  readonly crashAt: number | undefined;
  /** Cancels the invocation each time the journal reaches one of these lengths. */
  readonly cancelAt: readonly number[];
  /** See F4. */
  readonly timersLast: boolean;
  readonly patienceMs: number;
  /** How many turns of the event loop pass before something completes. */
  readonly latency: () => number;
}

const NOTHING: CommandPart = { decode: () => undefined, run: undefined, complete: undefined, delayMs: undefined };
const VOID: FakeOutcome = { ok: true, bytes: new Uint8Array() };

type Taken = { readonly index: number; readonly outcome: FakeOutcome };

/** One attempt; also the driver of its scheduler. */
export class FakeAttempt implements FakePromiseHost {
  /** As the SDK's: in request-response mode only. */
  readonly nextUnless: Driver["nextUnless"];
  readonly #init: AttemptInit;
  readonly #issued: Issued[] = [];
  readonly #completed = new Map<number, FakeOutcome>();
  readonly #calls: string[] = [];
  readonly #known = new Map<number, unknown>();
  readonly #ended = Promise.withResolvers<AttemptEnd>();
  readonly #attemptCompleted = new AbortController();
  readonly #visible: number;
  #taken = 0;
  #awaiting = false;
  #over = false;
  #progress: (() => void) | undefined;

  constructor(init: AttemptInit) {
    this.#init = init;
    this.#visible = this.#isSuspendable ? init.journal.completions.length : Infinity;
    this.nextUnless = this.#isSuspendable ? (entries, signal) => this.#next(entries, signal) : undefined;
  }

  get #isSuspendable(): boolean {
    return this.#init.mode === "request-response";
  }

  /** Settles when the attempt ends without the handler's end. */
  get ended(): Promise<AttemptEnd> {
    return this.#ended.promise;
  }

  get completedSignal(): AbortSignal {
    return this.#attemptCompleted.signal;
  }

  /** The invocation's virtual time. */
  get nowMs(): number {
    return this.#init.journal.nowMs;
  }

  /** As the SDK's: the attempt lives, and has issued every command of the journal. */
  get isProcessing(): boolean {
    return !this.#over && this.#issued.length >= this.#init.journal.commands.length;
  }

  end(end: AttemptEnd): void {
    this.#over = true;
    this.#ended.resolve(end);
    this.#attemptCompleted.abort();
  }

  fail(error: unknown): void {
    this.end({ kind: "failed", error });
  }

  /** Issues a command. A dead attempt issues nothing. */
  issue(kind: string, name: string, part: Partial<CommandPart>): FakeEntry {
    const handle = this.#issued.length;
    let dueMs: number | undefined;
    try {
      if (!this.#over) dueMs = this.#init.journal.command(handle, kind, name, part.delayMs).dueMs;
    } catch (error) {
      this.fail(error);
    }
    if (kind === "call") this.#calls.push(name);
    this.#issued.push({ ...NOTHING, ...part, dueMs, state: "idle", proposal: undefined });
    this.#crashIfDue();
    this.#happenOutside();
    return new FakeEntry(this, handle);
  }

  /** A promise of something known without the journal. */
  known(value: unknown): FakeEntry {
    const handle = CANCELLATION - 1 - this.#known.size;
    this.#known.set(handle, value);
    return new FakeEntry(this, handle);
  }

  sleep(duration: number | Duration, name = ""): FakeEntry {
    return this.issue("sleep", name, { complete: () => VOID, delayMs: milliseconds(duration) });
  }

  async next(entries: readonly Entry[]): Promise<Completion> {
    const completion = await this.#next(entries);
    return completion ?? new Promise<never>(() => {});
  }

  async #next(entries: readonly Entry[], signal?: Promise<void>): Promise<Completion | undefined> {
    if (this.#awaiting) {
      const error = new Error("awaitNext already pending");
      this.fail(error);
      throw error;
    }
    const handles = entries.map((entry) => (entry as unknown as FakeEntry).handle);
    const known = handles.findIndex((handle) => this.#known.has(handle));
    if (known >= 0) return { index: known, ok: true, value: this.#known.get(handles[known] ?? 0) };
    this.#awaiting = true;
    const taken = await this.#wait(handles, this.#givingUp(signal));
    this.#awaiting = false;
    if (taken === undefined) {
      await this.turn(); // What is behind the signal has been proposed by then.
      return undefined;
    }
    const { index, outcome } = taken;
    if (outcome.ok === "cancelled") {
      this.#cancelCalls();
      throw new CancelledError();
    }
    if (!outcome.ok) return { index, ok: false, error: readBack(outcome.error) };
    return { index, ok: true, value: this.#issued[handles[index] ?? 0]?.decode(outcome.bytes) };
  }

  /** As the SDK does where it hears of a cancellation: the invocations that were called are cancelled too. */
  #cancelCalls(): void {
    for (const target of this.#calls.splice(0)) void this.issue("cancel", `inv_${target}`, {});
  }

  #givingUp(signal: Promise<void> | undefined): () => boolean {
    let given = false;
    void signal?.then(() => {
      given = true;
      this.#progress?.();
    });
    return () => given;
  }

  now(): number {
    return performance.now();
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

  async #wait(handles: readonly number[], givesUp: () => boolean): Promise<Taken | undefined> {
    for (;;) {
      const ready = this.#take(handles);
      if (ready !== undefined) return ready;
      this.#failIfReplaying(handles);
      if (!this.#over) this.#startSteps(handles);
      await this.#turns();
      if (this.#over) await new Promise<never>(() => {});
      if (givesUp()) return undefined;
      if (this.#isSuspendable ? this.#suspendIfIdle(handles) : this.#completeOne()) continue;
      await new Promise<void>((resolve) => {
        this.#progress = resolve;
      });
    }
  }

  /** Takes completions from the journal, in its order, until one is for `handles`. */
  #take(handles: readonly number[]): Taken | undefined {
    for (;;) {
      const index = handles.findIndex((handle) => this.#completed.has(handle));
      const outcome = this.#completed.get(handles[index] ?? CANCELLATION);
      if (outcome !== undefined) return { index, outcome };
      const completion = this.#init.journal.completions[this.#taken];
      if (completion === undefined || this.#taken >= this.#visible) return undefined;
      this.#taken += 1;
      if (completion.command === CANCELLATION) return { index: 0, outcome: completion.outcome };
      this.#completed.set(completion.command, completion.outcome);
    }
  }

  #failIfReplaying(handles: readonly number[]): void {
    try {
      if (!this.#over) this.#init.journal.mayWait(this.#issued.length, handles);
    } catch (error) {
      this.fail(error);
    }
  }

  #startSteps(handles: readonly number[]): void {
    for (const handle of handles) {
      const issued = this.#issued[handle];
      if (issued?.run === undefined || issued.state !== "idle") continue;
      issued.state = "running";
      this.#execute(handle, issued, issued.run).catch((error: unknown) => this.fail(error));
    }
  }

  async #execute(handle: number, issued: Issued, run: NonNullable<CommandPart["run"]>): Promise<void> {
    if (this.#isSuspendable) await this.#turns();
    if (this.#over) return;
    issued.proposal = await run();
    issued.state = "done";
    if (this.#isSuspendable && !this.#over) this.complete(handle);
    this.#happenOutside();
    this.#progress?.();
  }

  async #turns(): Promise<void> {
    for (let turns = this.#init.latency(); turns > 0; turns--) await this.turn();
  }

  /** In request-response mode the world goes on while an attempt runs, and the attempt does not see it (F3). */
  #happenOutside(): void {
    if (!this.#isSuspendable || this.#over) return;
    this.cancelIfDue();
    const open = this.candidates().filter((handle) => {
      const issued = this.#issued[handle];
      return issued?.run === undefined && (issued?.dueMs === undefined || !this.#init.timersLast);
    });
    if (open.length > 0 && this.#init.latency() === 0) this.complete(open[this.#init.latency() % open.length] ?? 0);
  }

  #suspendIfIdle(handles: readonly number[]): boolean {
    if (handles.some((handle) => this.#issued[handle]?.state === "running")) return false;
    this.end({ kind: "suspended" });
    return true;
  }

  /** Lets one command that can complete do so; false when there is none now, or the picker waits. */
  #completeOne(): boolean {
    if (this.cancelIfDue()) return true;
    const executing = this.#issued.flatMap(({ state }, handle) => (state === "running" ? [handle] : []));
    const candidates = this.candidates();
    const picked = this.#init.pick(candidates, executing);
    if (picked !== undefined) this.complete(candidates[picked] ?? 0);
    else if (executing.length > 0) return false;
    else this.end({ kind: "suspended" });
    return true;
  }

  /** Commands that can complete now: steps that have ended, calls, awakeables, and timers as `timersLast` says. */
  candidates(): number[] {
    const open = this.#issued.flatMap((issued, handle) => (this.#canComplete(issued, handle) ? [handle] : []));
    if (!this.#init.timersLast) return open;
    const due = (handle: number): number | undefined => this.#issued[handle]?.dueMs;
    const others = open.filter((handle) => due(handle) === undefined);
    if (others.length > 0 || this.#issued.some(({ state }) => state === "running")) return others;
    const next = Math.min(...open.map((handle) => due(handle) ?? Infinity));
    return open.filter((handle) => due(handle) === next);
  }

  #canComplete(issued: Issued, handle: number): boolean {
    if (issued.state === "never" || this.#init.journal.isCompleted(handle)) return false;
    return issued.proposal !== undefined || issued.complete !== undefined;
  }

  /** True when the journal has completions that this attempt could not see (F3). */
  get hasUnseen(): boolean {
    return this.#init.journal.completions.length > this.#visible;
  }

  /** Steps that have ended and whose result is not in the journal yet. */
  proposals(): number[] {
    return this.candidates().filter((handle) => this.#issued[handle]?.proposal !== undefined);
  }

  /** Writes the completion of a command into the journal; false when it has none. */
  complete(handle: number): boolean {
    const issued = this.#issued[handle];
    const outcome = issued?.proposal ?? issued?.complete?.();
    if (outcome === undefined) {
      if (issued !== undefined) issued.state = "never";
      return false;
    }
    this.#init.journal.append({ type: "completion", command: handle, outcome });
    this.#crashIfDue();
    return true;
  }

  /** Cancels the invocation when it is time to. */
  cancelIfDue(): boolean {
    const { cancelAt, journal } = this.#init;
    const due = cancelAt.filter((length) => journal.events.length >= length).length;
    if (journal.completions.filter(({ command }) => command === CANCELLATION).length >= due) return false;
    journal.append({ type: "completion", command: CANCELLATION, outcome: { ok: "cancelled" } });
    this.#crashIfDue();
    return true;
  }

  #crashIfDue(): void {
    const { crashAt, journal } = this.#init;
    if (crashAt !== undefined && journal.events.length >= crashAt) this.end({ kind: "crashed" });
  }
}

/** A failure as it comes out of the journal: code, message and metadata, but no class of its own. */
function readBack({ message, code, metadata }: TerminalError): TerminalError {
  return new TerminalError(message, { errorCode: code, ...(metadata === undefined ? {} : { metadata }) });
}

function milliseconds(duration: number | Duration): number {
  if (typeof duration === "number") return duration;
  const { days = 0, hours = 0, minutes = 0, seconds = 0, milliseconds: ms = 0 } = duration;
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000 + ms;
}
