import { fromBase64, isCanonicalBase64, toBase64 } from "../../journal/base64.ts";
import { InvalidRequestError } from "../../errors/invalid-request-error.ts";

/** Bytes that a user stored: as JSON where they are JSON, otherwise in base64. */
export type StoredValue = { readonly json: unknown } | { readonly base64: string };

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What bytes stand for. JSON that would be written in another way, such as with spaces, counts too. */
export function readBytes(bytes: Uint8Array): StoredValue {
  try {
    return { json: JSON.parse(decoder.decode(bytes)) };
  } catch {
    return { base64: toBase64(bytes) };
  }
}

/**
 * The bytes to store.
 *
 * @throws InvalidRequestError (400) for what is no base64.
 */
export function writeBytes(value: StoredValue): Uint8Array {
  if ("json" in value) return new TextEncoder().encode(JSON.stringify(value.json));
  if (isCanonicalBase64(value.base64)) return fromBase64(value.base64);
  throw new InvalidRequestError("Cannot store a value: base64 has groups of four characters, with = at its end");
}
