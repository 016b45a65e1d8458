import { InvalidRequestError } from "../errors/invalid-request-error.ts";
import { checkFlowControl, type FlowControl } from "./flow-control.ts";
import { path } from "../http/restate-http.ts";

/** Which handler is invoked. */
export interface InvocationTarget {
  readonly service: string;
  /** Of a virtual object or workflow: any text but `.` and `..`. */
  readonly key?: string | undefined;
  readonly handler: string;
  /** Where it counts in flow control. Default: nowhere. */
  readonly flowControl?: FlowControl | undefined;
}

/**
 * The path of a target behind `/restate/call` or `/restate/send`.
 *
 * @throws InvalidRequestError (400) for a key that no URL can carry: every URL parser takes `.` and `..` for steps
 * through the path, percent-encoded too, so they would reach another handler; an unpaired surrogate has no encoding.
 */
export function targetPath(action: "call" | "send", { service, key, handler, flowControl }: InvocationTarget): string {
  const door = flowControl === undefined ? ["restate", action] : ["restate", "scope", flowControl.scope, action];
  if (flowControl !== undefined) checkFlowControl(flowControl);
  if (key === undefined) return path(...door, service, handler);
  if (/^\.{0,2}$/.test(key) || !key.isWellFormed()) {
    throw new InvalidRequestError(
      'Cannot invoke an object of this key: it must be text, and neither empty nor "." or ".."',
    );
  }
  return path(...door, service, key, handler);
}
