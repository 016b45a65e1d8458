import type { SdkRestatePromise } from "../restate.ts";
import { canSdkLetGo, sdkPolling, sdkRace, sdkResolve } from "../restate.ts";

/** How one pending journal entry came to its end. */
export type Completion =
  | { readonly index: number; readonly ok: true; readonly value: unknown }
  | { readonly index: number; readonly ok: false; readonly error: unknown };

/** A pending entry of the journal: a promise of the Restate SDK, or of a fake. */
export type Entry = SdkRestatePromise<unknown>;

/**
 * What the scheduler needs from the durable runtime. The Restate SDK implements it in `sdkDriver`; tests drive the
 * scheduler through a fake.
 */
export interface Driver {
  /**
   * Waits for the first of `entries` to complete, in the order of the journal. Rejects when the invocation is
   * cancelled. Never settles when the attempt is suspended. The scheduler never has two calls pending.
   */
  next(entries: readonly Entry[]): Promise<Completion>;
  /**
   * As `next()`, but gives up when `signal` settles first, and then answers undefined. By then the runtime has proposed
   * to Restate what was behind the signal. A driver without it cannot run ahead (run-ahead.ts): acknowledgements reach
   * its attempts while they run, or it does not know how to give up.
   */
  readonly nextUnless?:
    | ((entries: readonly Entry[], signal: Promise<void>) => Promise<Completion | undefined>)
    | undefined;
  /** Lets every microtask that can run now run. */
  turn(): Promise<void>;
  /** Resolves after `ms` milliseconds of real time, or when `signal` aborts. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
  /** Real time in milliseconds. Nothing that the journal sees may depend on it. */
  now(): number;
}

/** A context that brings its own driver, such as the test kit's fake, carries it under this key. */
export const DRIVER: unique symbol = Symbol.for("restate-edge-agents.driver") as never;

function tag(entry: Entry, index: number): SdkRestatePromise<Completion> {
  return entry.map((value, failure): Completion =>
    failure === undefined ? { index, ok: true, value } : { index, ok: false, error: failure },
  );
}

/** The driver over the Restate SDK's public API. */
export const sdkDriver: Driver = {
  next: async (entries) => await sdkRace(entries.map(tag)),
  // oxlint-disable-next-line no-restricted-globals -- it orders what runs now; it waits for no time to pass
  turn: () => new Promise((resolve) => setImmediate(resolve)),
  pause: (ms, signal) =>
    new Promise((resolve) => {
      // oxlint-disable-next-line no-restricted-globals -- S5: it only bounds how long foreign work holds the journal up
      const timer = setTimeout(resolve, ms);
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        resolve();
      });
    }),
  // oxlint-disable-next-line no-restricted-properties -- it bounds a window, and decides nothing about the journal (W5)
  now: () => Date.now(),
};

/** The driver over the Restate SDK for endpoints in request-response mode. */
export const requestResponseDriver: Driver = {
  ...sdkDriver,
  nextUnless: async (entries, signal) => {
    const [first] = entries;
    if (first === undefined || !canSdkLetGo(first)) return sdkDriver.next(entries);
    const race = sdkRace<Completion | undefined>([sdkResolve(signal.then(() => undefined)), ...entries.map(tag)]);
    const completion = await race;
    if (completion === undefined) await sdkPolling(race);
    return completion;
  },
};
