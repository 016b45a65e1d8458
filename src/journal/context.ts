/** The ambient Restate context: how code deep inside an agent reaches the journal. */
import { WrongHandlerKindError } from "../errors/wrong-handler-kind-error.ts";
import {
  type Context,
  type ObjectContext,
  type ObjectSharedContext,
  sdkIsProcessing,
  TerminalError,
  type WorkflowContext,
  type WorkflowSharedContext,
} from "../restate.ts";
import { InvocationTrace } from "../telemetry/invocation-trace.ts";
import { type HandlerKind, type Invocation, type Place, currentPlace, requirePlace, runAt } from "./ambient.ts";
import { DRIVER, type Driver } from "./driver.ts";
import { JournalFront } from "./journal-front.ts";
import { JournalSize, type JournalSizeWarning } from "./journal-size.ts";
import { currentDriver } from "./protocol-mode.ts";
import { scheduledContext, type ScheduledContextInit } from "./scheduled-context.ts";
import { Scheduler } from "./scheduler.ts";

/**
 * The context of the handler that is running.
 *
 * @throws OutsideHandlerError outside of a handler.
 * @throws InsideStepError inside a journaled step.
 */
export function restateContext(): Context {
  return requirePlace("restateContext()").invocation.context;
}

/** The context of the exclusive object handler that is running. Throws as `restateContext`, and in other handlers. */
export function restateObjectContext(): ObjectContext {
  return contextOfKind("restateObjectContext()", ["object"]);
}

/** The context of the object handler that is running, exclusive or shared. */
export function restateObjectSharedContext(): ObjectSharedContext {
  return contextOfKind("restateObjectSharedContext()", ["object", "object-shared"]);
}

/** The context of the workflow's `run` handler. */
export function restateWorkflowContext(): WorkflowContext {
  return contextOfKind("restateWorkflowContext()", ["workflow"]);
}

/** The context of the workflow handler that is running, `run` or shared. */
export function restateWorkflowSharedContext(): WorkflowSharedContext {
  return contextOfKind("restateWorkflowSharedContext()", ["workflow", "workflow-shared"]);
}

function contextOfKind(what: string, allowed: readonly HandlerKind[]): WorkflowContext {
  const { invocation } = requirePlace(what);
  if (!allowed.includes(invocation.kind)) throw new WrongHandlerKindError(what, invocation.kind, allowed);
  return invocation.context;
}

/** True while the code runs inside a handler, also inside a journaled step. */
export function isInsideHandler(): boolean {
  return currentPlace() !== undefined;
}

/**
 * Runs `body` with `context` as the ambient context, for services that were not defined with this library's
 * `service`, `object` or `workflow`. Inside, use the context that `body` is given: the original one must not be
 * awaited while `body` runs.
 */
export function withRestateContext<C extends Context, T>(
  context: C,
  body: (context: C) => PromiseLike<T>,
  kind: HandlerKind = "service",
): Promise<T> {
  return runInvocation(context, kind, body);
}

/** Runs one attempt of a handler with its own scheduler. */
export async function runInvocation<C extends Context, T>(
  sdk: C,
  kind: HandlerKind,
  body: (context: C) => PromiseLike<T>,
): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => undefined); // It may be too late for anybody to hear of it.
  const place = invocationPlace(sdk, kind, aborted.reject);
  const { scheduler, front } = place.invocation;
  try {
    const work = runAt(place, () => body(place.invocation.context as unknown as C));
    const result = await Promise.race([work, aborted.promise]);
    front.goOn();
    return result;
  } catch (error) {
    if (error instanceof TerminalError) front.goOn();
    throw error;
  } finally {
    scheduler.end(scheduler.main);
  }
}

function invocationPlace(sdk: Context, kind: HandlerKind, abort: ScheduledContextInit["abort"]): Place {
  const sdkContext = sdk as unknown as WorkflowContext;
  const { [DRIVER]: driver = currentDriver() } = sdk as { readonly [DRIVER]?: Driver };
  const front = new JournalFront(() => sdkIsProcessing(sdkContext));
  const trace = InvocationTrace.of(sdkContext.request(), front);
  const scheduler = new Scheduler({
    driver,
    sleep: (duration) => {
      front.goOn();
      return sdkContext.sleep(duration);
    },
    currentFiber: () => currentPlace()?.fiber,
  });
  const context = scheduledContext(sdkContext, { scheduler, place: () => place, abort });
  const size = new JournalSize({ onWarn: (warning) => warnOfSize(sdkContext, warning) });
  size.add(sdkContext.request().body.length);
  const invocation: Invocation = { kind, sdkContext, context, scheduler, size, counters: new Map(), front, trace };
  const place: Place = { invocation, fiber: scheduler.main };
  return place;
}

function warnOfSize(context: WorkflowContext, { step, bytes, maxBytes }: JournalSizeWarning): void {
  context.console.warn(
    `The journal of this invocation holds ${bytes} bytes at step "${step}"; above ${maxBytes} it fails. Return less from tools, or continue long runs as new invocations`,
  );
}

/** 1, 2, 3 … for each use of `key` in this invocation. Call it only where the order of calls is deterministic. */
export function invocationCounter(key: string): number {
  const { counters } = requirePlace("a step counter").invocation;
  const count = (counters.get(key) ?? 0) + 1;
  counters.set(key, count);
  return count;
}

/** A name for a run of the agent `id`: the id itself, then `<id>:2`, … for later runs in the same invocation. */
export function nextRunName(id: string): string {
  const count = invocationCounter(`run ${id}`);
  return count === 1 ? id : `${id}:${count}`;
}
