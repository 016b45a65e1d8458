import { keyIdOf } from "../../encryption/sealed-value.ts";
import { fromBase64, isCanonicalBase64, toBase64 } from "../../journal/base64.ts";
import { InvalidRequestError } from "../../errors/invalid-request-error.ts";

/**
 * Bytes that a user stored: as JSON where they are JSON of at most 1,000 levels, otherwise in base64. `keyId`: they are
 * encrypted with this key, and it is not here.
 */
export type StoredValue = { readonly json: unknown } | { readonly base64: string; readonly keyId?: string | undefined };

/** JSON is written and checked recursively: what is nested more deeply could overflow the stack. */
const MAX_LEVELS = 1_000;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What bytes stand for. JSON that would be written in another way, such as with spaces, counts too. */
export function readBytes(bytes: Uint8Array): StoredValue {
  try {
    const json: unknown = JSON.parse(decoder.decode(bytes));
    if (!isTooDeep(json)) return { json };
  } catch {
    // No JSON.
  }
  const keyId = keyIdOf(bytes);
  return { base64: toBase64(bytes), ...(keyId === undefined ? {} : { keyId }) };
}

/**
 * The bytes to store.
 *
 * @throws InvalidRequestError (400) for what is no base64, and for JSON of more than 1,000 levels.
 */
export function writeBytes(value: StoredValue): Uint8Array {
  if ("json" in value) {
    if (!isTooDeep(value.json)) return new TextEncoder().encode(JSON.stringify(value.json));
    throw new InvalidRequestError(`Cannot store a value: its JSON has more than ${MAX_LEVELS} levels; send base64`);
  }
  if (isCanonicalBase64(value.base64)) return fromBase64(value.base64);
  throw new InvalidRequestError("Cannot store a value: base64 has groups of four characters, with = at its end");
}

/** Level by level, without recursion. */
function isTooDeep(json: unknown): boolean {
  let level = [json];
  for (let levels = 0; level.length > 0; levels++) {
    if (levels > MAX_LEVELS) return true;
    level = level.flatMap((value) => (isParent(value) ? Object.values(value) : []));
  }
  return false;
}

function isParent(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
