import { InvalidRequestError } from "../errors/invalid-request-error.ts";
import { path } from "../http/restate-http.ts";

/** Which handler is invoked. */
export interface InvocationTarget {
  readonly service: string;
  /** Of a virtual object or workflow: any text but `.` and `..`. */
  readonly key?: string | undefined;
  readonly handler: string;
}

/**
 * The path of a target behind `/restate/call` or `/restate/send`.
 *
 * @throws InvalidRequestError (400) for a key that no URL can carry: every URL parser takes `.` and `..` for steps
 * through the path, percent-encoded too, so they would reach another handler; an unpaired surrogate has no encoding.
 */
export function targetPath(action: "call" | "send", { service, key, handler }: InvocationTarget): string {
  if (key === undefined) return path("restate", action, service, handler);
  if (/^\.{0,2}$/.test(key) || !key.isWellFormed()) {
    throw new InvalidRequestError(
      'Cannot invoke an object of this key: it must be text, and neither empty nor "." or ".."',
    );
  }
  return path("restate", action, service, key, handler);
}
