/** Who asks, as `auth` has found out. */
import type { Context } from "hono";

/** Hexadecimal digits of a hash that tells callers apart where nothing of one may be another's: 128 bits. */
const CALLER_HASH_LENGTH = 32;
/** Hexadecimal digits of a hash that only groups requests. */
const SHORT_HASH_LENGTH = 16;

/** What `auth` set as `caller`, else the `sub` of its JWT; undefined when it names nobody. */
export function callerOf(context: Context): string | undefined {
  const caller: unknown = context.get("caller");
  if (typeof caller === "string" && caller !== "") return caller;
  const subject: unknown = (context.get("jwtPayload") as { readonly sub?: unknown } | undefined)?.sub;
  return typeof subject === "string" && subject !== "" ? subject : undefined;
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
