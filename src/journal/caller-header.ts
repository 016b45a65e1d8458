/**
 * Whose an invocation is. Of a caller whom the app's `auth` names, the routes send a hash along with what they invoke, and
 * a run sends it on with the agents that it calls. Nothing that a handler does depends on it; what a run asks people is
 * its owner's (src/approvals).
 */
import type { Context } from "../restate.ts";

/** The header with the caller's hash. */
export const CALLER_HEADER = "x-restate-edge-agents-caller";

const HASH = /^[0-9a-f]{32}$/;
/** The keys of a named caller's conversations begin with the hash. */
const OWN_KEY = /^([0-9a-f]{32}):/;

/** The hash of the caller whose invocation this is; undefined when nobody is named. */
export function callerOfInvocation(context: Pick<Context, "request">): string | undefined {
  const hash = context.request().headers.get(CALLER_HEADER);
  return hash !== undefined && HASH.test(hash) ? hash : undefined;
}

/** The hash of the caller whose conversation has this key; undefined when it is of nobody with a name. */
export function callerOfKey(key: string | undefined): string | undefined {
  return OWN_KEY.exec(key ?? "")?.[1];
}

/** What goes along with a call. */
export function callerHeaders(hash: string | undefined): Readonly<Record<string, string>> {
  return hash === undefined ? {} : { [CALLER_HEADER]: hash };
}
