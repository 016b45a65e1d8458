/**
 * The context that handlers and tools see: the SDK's, method for method, with every promise awaited through the
 * scheduler. A proxy rather than a hand-written list, so that a method which the SDK adds tomorrow is scheduled too.
 */
import { InsideStepError } from "../errors/inside-step-error.ts";
import { JournalUnreadableError } from "../errors/journal-unreadable-error.ts";
import { type RunAction, sdkOnUnreadable, type WorkflowContext } from "../restate.ts";
import { currentPlace, type Place, runAt } from "./ambient.ts";
import { Awaitable } from "./awaitable.ts";
import type { Entry } from "./driver.ts";
import type { Scheduler } from "./scheduler.ts";

/** Plain values of the context; everything else is a function or leads to promises. */
const PLAIN = new Set<string | symbol>(["console", "key", "rand", "request"]);

type Callable = (...parameters: unknown[]) => unknown;
type Wrap = (value: unknown) => unknown;

/** What a context is made of, beside the SDK's. */
export interface ScheduledContextInit {
  readonly scheduler: Scheduler;
  /** Where code without an ambient store belongs. */
  readonly place: () => Place;
  /** Ends the attempt: what the journal has cannot be read. */
  readonly abort: (reason: JournalUnreadableError) => void;
}

/** Wraps the SDK's context. */
export function scheduledContext(
  sdk: WorkflowContext,
  { scheduler, place, abort }: ScheduledContextInit,
): WorkflowContext {
  const wrap: Wrap = (value) => {
    if (isEntry(value)) {
      sdkOnUnreadable(value, (cause, command) => abort(new JournalUnreadableError(cause, command)));
      return wrapEntry(value, scheduler);
    }
    if (isDurablePromise(value)) return wrapObject(value, wrap, durablePromiseMethods(value, wrap));
    if (typeof value === "object" && value !== null) return wrapObject(value, wrap, {});
    return value;
  };
  const run = (...parameters: unknown[]): unknown => wrap(callRun(sdk, parameters, currentPlace() ?? place()));
  return wrapObject(sdk, wrap, { run }) as WorkflowContext;
}

function wrapObject(target: object, wrap: Wrap, own: Record<string | symbol, Callable>): object {
  return new Proxy(target, {
    get(object, property) {
      const value: unknown = Object.hasOwn(own, property)
        ? own[property]
        : (Reflect.get(object, property, object) as unknown);
      if (PLAIN.has(property)) return typeof value === "function" ? (value as Callable).bind(object) : value;
      if (typeof value !== "function") return wrap(value);
      return (...parameters: unknown[]) => {
        guard(String(property));
        return wrap((value as Callable).apply(object, parameters));
      };
    },
  });
}

/** An action inside a step may not touch the journal, and an ended fiber may not touch anything. */
function guard(method: string): void {
  const place = currentPlace();
  if (place?.step !== undefined) throw new InsideStepError(`Context.${method}()`, place.step);
  if (place?.fiber.dead !== undefined) throw place.fiber.dead.reason;
  place?.invocation.front.goOn();
}

/** The SDK runs an action from whoever drives its progress loop: bind it to the place where it was declared. */
function callRun(sdk: WorkflowContext, parameters: unknown[], place: Place): unknown {
  const [first, second, options] = parameters;
  const name = typeof first === "string" ? first : "";
  const action = (typeof first === "function" ? first : second) as RunAction<unknown>;
  if (typeof action !== "function") throw new TypeError("Context.run() needs an action: pass run(name, action)");
  place.invocation.front.goOn();
  return sdk.run(name, () => runAt({ ...place, step: name }, action), options ?? {});
}

function isEntry(value: unknown): value is Entry {
  if (typeof value !== "object" || value === null || value instanceof Awaitable) return false;
  return "orTimeout" in value && "map" in value && "then" in value;
}

function wrapEntry(entry: Entry, scheduler: Scheduler): unknown {
  const awaitable = scheduler.entry(entry);
  const id: unknown = "invocationId" in entry ? entry.invocationId : undefined;
  if (isEntry(id) && awaitable.invocationId === undefined) {
    scheduler.stayBehind();
    void Object.defineProperty(awaitable, "invocationId", { value: scheduler.entry(id) });
  }
  return awaitable;
}

interface DurablePromiseLike {
  get(): unknown;
  peek(): unknown;
}

function isDurablePromise(value: unknown): value is DurablePromiseLike {
  return typeof value === "object" && value !== null && "get" in value && "peek" in value && "then" in value;
}

/** `await ctx.promise(name)` means `await ctx.promise(name).get()`. */
function durablePromiseMethods(promise: DurablePromiseLike, wrap: Wrap): Record<string, Callable> {
  const get = (): Promise<unknown> => wrap(promise.get()) as Promise<unknown>;
  return {
    then: (...handlers) => get().then(...(handlers as Parameters<Promise<unknown>["then"]>)),
    catch: (...handlers) => get().catch(...(handlers as Parameters<Promise<unknown>["catch"]>)),
    finally: (...handlers) => get().finally(...(handlers as Parameters<Promise<unknown>["finally"]>)),
  };
}
