/**
 * The invocation that the running code belongs to, kept in an `AsyncLocalStorage`.
 *
 * Two handlers in one isolate never mix: each has its own store. Code inside a journaled step keeps the store but is
 * marked, so that it cannot add to the journal from inside an entry of it.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { InsideStepError } from "../errors/inside-step-error.ts";
import { OutsideHandlerError } from "../errors/outside-handler-error.ts";
import type { WorkflowContext } from "../restate.ts";
import type { InvocationTrace } from "../telemetry/invocation-trace.ts";
import type { Fiber } from "./fiber.ts";
import type { JournalFront } from "./journal-front.ts";
import type { JournalSize } from "./journal-size.ts";
import type { Scheduler } from "./scheduler.ts";

/** What kind of handler is running; decides which context functions are allowed. */
export type HandlerKind = "service" | "object" | "object-shared" | "workflow" | "workflow-shared";

/** One attempt of one invocation. */
export interface Invocation {
  readonly kind: HandlerKind;
  /** The SDK's context. Nobody but the scheduler may await what it returns. */
  readonly sdkContext: WorkflowContext;
  /** The context that users get: same methods, awaits go through the scheduler. */
  readonly context: WorkflowContext;
  readonly scheduler: Scheduler;
  /** How large the journal is. */
  readonly size: JournalSize;
  /** How often each name was used; see `invocationCounter`. */
  readonly counters: Map<string, number>;
  /** Tells what is new from what a replay repeats. */
  readonly front: JournalFront;
  /** The invocation's spans; undefined when nobody wants them. */
  readonly trace: InvocationTrace | undefined;
}

/** The running code's place: its invocation, its fiber, and the journaled step it is inside of, if any. */
export interface Place {
  readonly invocation: Invocation;
  readonly fiber: Fiber;
  readonly step?: string;
  /** The span of the tool that it is inside of, if there is one. */
  readonly spanId?: string | undefined;
}

const storage = new AsyncLocalStorage<Place>();

/** Runs `action` at `place`. */
export function runAt<T>(place: Place, action: () => T): T {
  return storage.run(place, action);
}

/** The place of the running code, or undefined outside of a handler. */
export function currentPlace(): Place | undefined {
  return storage.getStore();
}

/**
 * The place of code that wants to use the journal.
 *
 * @throws OutsideHandlerError outside of a handler.
 * @throws InsideStepError inside a journaled step.
 */
export function requirePlace(what: string): Place {
  const place = storage.getStore();
  if (place === undefined) throw new OutsideHandlerError(what);
  if (place.step !== undefined) throw new InsideStepError(what, place.step);
  if (place.fiber.dead !== undefined) throw place.fiber.dead.reason;
  return place;
}

/**
 * Runs `body` as a child fiber of the current one. A shielded one comes to its end: cancellation does not interrupt it.
 */
export async function inFiber<T>(
  place: Place,
  body: (place: Place) => PromiseLike<T>,
  { shielded = false }: { readonly shielded?: boolean } = {},
): Promise<T> {
  const { scheduler } = place.invocation;
  const fiber = scheduler.fork(place.fiber);
  fiber.shielded = shielded;
  const child: Place = { invocation: place.invocation, fiber, spanId: place.spanId };
  try {
    return await runAt(child, () => body(child));
  } finally {
    scheduler.end(fiber);
  }
}
