import { toBase64 } from "../journal/base64.ts";

/** Bytes that a user stored: as JSON where they are JSON, otherwise in base64. */
export type StoredValue = { readonly json: unknown } | { readonly base64: string };

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What bytes stand for. JSON that would not come back as the same bytes counts too. */
export function readBytes(bytes: Uint8Array): StoredValue {
  try {
    return { json: JSON.parse(decoder.decode(bytes)) };
  } catch {
    return { base64: toBase64(bytes) };
  }
}
