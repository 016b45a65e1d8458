/** Where the calls of the agents API count in Restate's flow control. */
import type { Context } from "hono";
import { RestateRefusedError } from "../../src/errors/restate-refused-error.ts";
import { type FlowControl, lacksFlowControl } from "../../src/ingress/flow-control.ts";
import { callerHash, callerOf } from "../caller.ts";
import { HttpProblem } from "../problem.ts";

/** A call that is about to be made. */
export interface FlowControlledCall {
  readonly service: string;
  readonly handler: string;
  /** Who asks, as `auth` has found out. */
  readonly caller?: string | undefined;
  /** A name for `caller` that any scope may have: 32 hexadecimal digits of its SHA-256. */
  readonly callerScope?: string | undefined;
  /** What the caller has sent as `x-limit-key`: a wish, from outside. */
  readonly limitKey?: string | undefined;
  readonly headers: Headers;
}

/** Says where a call counts; undefined: nowhere. */
export type FlowControlOf = (call: FlowControlledCall) => FlowControl | undefined | Promise<FlowControl | undefined>;

/** Where a call of a service counts; undefined: nowhere. What Restate would not take, the ingress client refuses. */
export async function flowControlOf(
  context: Context,
  say: FlowControlOf | undefined,
  { service, handler, key }: { readonly service: string; readonly handler: string; readonly key?: string | undefined },
  limitKey: string | undefined,
): Promise<FlowControl | undefined> {
  if (say === undefined || key !== undefined) return undefined;
  const caller = callerOf(context);
  const callerScope = caller === undefined ? undefined : await callerHash(caller);
  return say({ service, handler, caller, callerScope, limitKey, headers: context.req.raw.headers });
}

/** @throws HttpProblem `unsupported-by-server` (501) when the server has no flow control. */
export async function orUnsupported<T>(invoke: () => Promise<T>): Promise<T> {
  try {
    return await invoke();
  } catch (error) {
    if (!(error instanceof RestateRefusedError) || !lacksFlowControl(error.message)) throw error;
    throw new HttpProblem(
      "unsupported-by-server",
      501,
      "This Restate server has no flow control switched on, which this app asks for: it needs 1.7, started with RESTATE_EXPERIMENTAL_ENABLE_VQUEUES and RESTATE_EXPERIMENTAL_ENABLE_PROTOCOL_V7; without it limit model calls with rateLimit()",
      { cause: error },
    );
  }
}
