/** What tells an MCP server that a call is the same as one that it may have had before. */
import type { Place } from "../journal/ambient.ts";

/** The HTTP header of a call. */
export const IDEMPOTENCY_HEADER = "idempotency-key";
/** The same in the call's `_meta`. */
export const IDEMPOTENCY_META = "restate-edge-agents/idempotency-key";

/** The key of the step at `place`: a hash, as names of steps are nobody's business. Undefined outside of steps. */
export async function idempotencyKey(place: Place | undefined): Promise<string | undefined> {
  if (place?.step === undefined) return undefined;
  const text = `${place.invocation.sdkContext.request().id} ${place.step}`;
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
