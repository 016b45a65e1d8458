/** Who asks, as `auth` has found out. */
import type { Context } from "hono";

/** Hexadecimal digits of a hash that tells callers apart where nothing of one may be another's: 128 bits. */
const CALLER_HASH_LENGTH = 32;
/** Hexadecimal digits of a hash that only groups requests. */
const SHORT_HASH_LENGTH = 16;

/**
 * What `auth` set as `caller`, else the `sub` of its JWT; undefined when it names nobody.
 *
 * @throws TypeError for a name that is no text, such as a number: whom it does not name shares everything with others, and
 * that must not happen to those whom it means to name.
 */
export function callerOf(context: Context): string | undefined {
  const payload = context.get("jwtPayload") as { readonly sub?: unknown } | undefined;
  return nameIn(context.get("caller"), "caller") ?? nameIn(payload?.sub, "the sub of its JWT");
}

function nameIn(value: unknown, what: string): string | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value === "string") return value;
  throw new TypeError(`Cannot tell who asks: auth has set ${what} to a ${typeof value}; it must be a text`);
}

/** A caller's hash, by which Restate's keys are told apart. Nobody finds another name with the same one. */
export async function callerHash(caller: string): Promise<string> {
  return (await sha256(caller)).slice(0, CALLER_HASH_LENGTH);
}

/** The beginning of a SHA-256 hash, in hexadecimal. */
export async function shortHash(text: string): Promise<string> {
  return (await sha256(text)).slice(0, SHORT_HASH_LENGTH);
}

async function sha256(text: string): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
