/** Who asks, as `auth` has found out. */
import type { Context } from "hono";

/** Hexadecimal digits of a hash that tell callers apart. */
const HASH_LENGTH = 16;

/** What `auth` set as `caller`, else the `sub` of its JWT; undefined when it names nobody. */
export function callerOf(context: Context): string | undefined {
  const caller: unknown = context.get("caller");
  if (typeof caller === "string" && caller !== "") return caller;
  const subject: unknown = (context.get("jwtPayload") as { readonly sub?: unknown } | undefined)?.sub;
  return typeof subject === "string" && subject !== "" ? subject : undefined;
}

/** The beginning of a SHA-256 hash, in hexadecimal. */
export async function shortHash(text: string): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  const hex = Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.slice(0, HASH_LENGTH);
}
