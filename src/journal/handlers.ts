/**
 * `service`, `object`, `workflow` and `handlers` with the Restate SDK's signatures. They install the ambient context
 * and give the handler a context whose promises may be awaited concurrently.
 */
import { AISDKError } from "ai";
import { DefinitionError } from "../errors/definition-error.ts";
import { classifyFailure } from "../errors/classify.ts";
import { keepRollbackReport } from "../errors/rollback-report.ts";
import { UncaughtError } from "../errors/uncaught-error.ts";
import {
  type Context,
  type RetryPolicy,
  RestateError,
  type ServiceOptions,
  sdkHandlers,
  sdkObject,
  sdkService,
  sdkWorkflow,
} from "../restate.ts";
import type { HandlerKind } from "./ambient.ts";
import { runInvocation } from "./context.ts";

/**
 * How failed attempts are retried unless a service says otherwise: 20 attempts from 0.5 s to 1 min apart (about
 * 13 minutes), then the invocation is paused, so that an operator can resume it and nothing is lost.
 */
export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  initialInterval: 500,
  exponentiationFactor: 2,
  maxInterval: 60_000,
  maxAttempts: 20,
  onMaxAttempts: "pause",
};

/** Longer than the slowest step should take: Restate aborts an attempt, and so repeats its step, after this time. */
export const DEFAULT_ABORT_TIMEOUT_MS: number = 15 * 60_000;

const DEFAULT_OPTIONS: ServiceOptions = { retryPolicy: DEFAULT_RETRY_POLICY, abortTimeout: DEFAULT_ABORT_TIMEOUT_MS };

type Handler = (this: unknown, context: Context, input: unknown) => PromiseLike<unknown>;
type Definition = { readonly name: string; readonly handlers: object; readonly options?: ServiceOptions };

/** Handlers that already install the context. */
const installed = new WeakSet<object>();

/** As the Restate SDK's `service()`. */
export const service: typeof sdkService = (definition) => sdkService(prepared(definition, () => "service"));

/** As the Restate SDK's `object()`. */
export const object: typeof sdkObject = (definition) => sdkObject(prepared(definition, () => "object"));

/** As the Restate SDK's `workflow()`. */
export const workflow: typeof sdkWorkflow = (definition) =>
  sdkWorkflow(prepared(definition, (name) => (name === "run" ? "workflow" : "workflow-shared")));

/** As the Restate SDK's `handlers`: handlers with options of their own. */
export const handlers: typeof sdkHandlers = {
  handler: withKind("service", sdkHandlers.handler),
  object: {
    exclusive: withKind("object", sdkHandlers.object.exclusive),
    shared: withKind("object-shared", sdkHandlers.object.shared),
  },
  workflow: {
    workflow: withKind("workflow", sdkHandlers.workflow.workflow),
    shared: withKind("workflow-shared", sdkHandlers.workflow.shared),
  },
} as typeof sdkHandlers;

function prepared<D extends Definition>(definition: D, kindOf: (name: string) => HandlerKind): D {
  const entries = Object.entries(definition.handlers).map(([name, handler]: [string, unknown]) => [
    name,
    installedHandler(`${definition.name}.${name}`, handler, kindOf(name)),
  ]);
  return {
    ...definition,
    handlers: Object.fromEntries(entries) as object,
    options: { ...DEFAULT_OPTIONS, ...definition.options },
  };
}

function installedHandler(what: string, handler: unknown, kind: HandlerKind): unknown {
  if (typeof handler !== "function" || installed.has(handler)) return handler;
  if (Object.getOwnPropertySymbols(handler).length > 0) {
    throw new DefinitionError(
      `Cannot define handler ${what}: it was made by the Restate SDK's handlers; import { handlers } from "restate-edge-agents" instead`,
    );
  }
  return install(handler as Handler, kind);
}

/** The SDK takes `(options, handler)` or `(handler)`. */
function withKind(kind: HandlerKind, make: unknown): (...parameters: unknown[]) => unknown {
  return (...parameters) => {
    const handler = parameters.at(-1);
    const inner = typeof handler === "function" ? install(handler as Handler, kind) : handler;
    const made = (make as (...all: unknown[]) => object)(...parameters.slice(0, -1), inner);
    installed.add(made);
    return made;
  };
}

function install(handler: Handler, kind: HandlerKind): Handler {
  return async function installedHandler(this: unknown, context, input) {
    return runInvocation(context, kind, async (scheduled) => {
      try {
        return await handler.call(this, scheduled, input);
      } catch (error) {
        throw atBoundary(error);
      }
    });
  };
}

/**
 * What leaves the handler. Errors of the AI SDK that were raised between steps come from deterministic code: the next
 * attempt would raise them again, so they are terminal. Provider failures are judged as in a step (G6).
 */
export function atBoundary(error: unknown): unknown {
  if (error instanceof RestateError || !AISDKError.isInstance(error)) return error;
  const judged = classifyFailure(error, { what: "The handler" });
  return keepRollbackReport(error, judged instanceof RestateError ? judged : new UncaughtError(error));
}
