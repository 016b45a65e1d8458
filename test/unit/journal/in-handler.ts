/** Helpers of the journal's tests: a body inside a handler, on the fake. */
import { type HandlerKind, inFiber, type Place, requirePlace } from "../../../src/journal/ambient.ts";
import { runInvocation } from "../../../src/journal/context.ts";
import { DRIVER, type Driver } from "../../../src/journal/driver.ts";
import type { Context, WorkflowContext } from "../../../src/restate.ts";
import { type FakeOptions, type FakeResult, runFake } from "../../../src/testing/run-fake.ts";

/** Options of `inHandler`. */
export type InHandlerOptions = FakeOptions & {
  readonly kind?: HandlerKind;
  readonly drive?: (driver: Driver) => Driver;
};

/** Runs `body` in a handler to its end. A failed attempt is not retried, unless `maxFailures` says so. */
export function inHandler<T>(
  body: (context: WorkflowContext) => Promise<T>,
  { kind = "workflow", drive = (driver) => driver, ...options }: InHandlerOptions = {},
): Promise<FakeResult<T>> {
  const handler = (context: Context): Promise<T> => {
    const { [DRIVER]: driver } = context as unknown as { readonly [DRIVER]: Driver };
    const driven = Object.assign(Object.create(context) as WorkflowContext, { [DRIVER]: drive(driver) });
    return runInvocation(driven, kind, body);
  };
  return runFake(handler, { maxFailures: 0, ...options });
}

/** Runs `bodies` side by side, each in a fiber of its own, as the tools of one model step. */
export function inFibers<T>(...bodies: readonly ((place: Place) => Promise<T>)[]): Promise<T[]> {
  const place = requirePlace("the test");
  return Promise.all(bodies.map((body) => inFiber(place, body)));
}

/** One turn of the event loop. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Real time, in milliseconds: foreign work. */
export const foreignWork = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The result of a run that must have succeeded. */
export function valueOf<T>({ outcome }: FakeResult<T>): T {
  if (!outcome.ok) throw outcome.error;
  return outcome.value;
}

/** A driver that notes how many entries each await raced. */
export function noting(raced: number[]): (driver: Driver) => Driver {
  return (driver) => ({
    next: (entries) => {
      raced.push(entries.length);
      return driver.next(entries);
    },
    turn: () => driver.turn(),
    pause: (ms, signal) => driver.pause(ms, signal),
    now: () => driver.now(),
  });
}
