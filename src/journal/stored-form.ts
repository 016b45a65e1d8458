/** How a kind of step lays out its result as JSON, and the codec that writes that JSON as it is. */
import { readMessage } from "../errors/read-error.ts";
import { UnserializableValueError } from "../errors/unserializable-value-error.ts";
import type { StepCodec } from "./step-host.ts";
import { tagged } from "./tag.ts";
import { untagged } from "./untag.ts";

/** Largest stored value. Restate's own limit for an entry is 32 MiB. */
export const MAX_STORED_BYTES: number = 30 * 1024 * 1024;

/** A layout. Both directions leave what they are given as it is. */
export interface StoredForm<T> {
  /** The JSON to store; undefined: no bytes at all. `tag` makes JSON of any part of the value, and is called once. */
  pack(value: T, tag: (part: unknown) => unknown): unknown;
  /** The value of stored JSON. `untag` gives back what was tagged. */
  unpack(json: unknown, untag: (part: unknown) => unknown): T;
}

/** A codec that needs no I/O. */
export interface PlainCodec<T> extends StepCodec<T> {
  readonly contentType: string;
  encode(value: T): Uint8Array;
  decode(bytes: Uint8Array): T;
}

/** The type of everything that is stored. */
export const STORED_TYPE = "application/json";

/** Writes and reads `form`, with all content in the journal. */
export function plainCodec<T>(form: StoredForm<T>): PlainCodec<T> {
  return {
    contentType: STORED_TYPE,
    encode: (value) => writeJson(form.pack(value, (part) => tagged(part))),
    decode: (bytes) => {
      const { json, text } = readJson(bytes);
      return form.unpack(json, hasTags(text) ? (part) => untagged(part) : (part) => part);
    },
  };
}

/** @throws UnserializableValueError when there is more than `MAX_STORED_BYTES` of it. */
export function writeJson(json: unknown): Uint8Array {
  if (json === undefined) return new Uint8Array();
  const bytes = new TextEncoder().encode(stringify(json));
  if (bytes.length > MAX_STORED_BYTES) {
    throw new UnserializableValueError(`${bytes.length} bytes, more than the limit of ${MAX_STORED_BYTES}`, "$");
  }
  return bytes;
}

const decoder = new TextDecoder();

/** The JSON of an entry, and its text. */
export function readJson(bytes: Uint8Array): { readonly json: unknown; readonly text: string } {
  if (bytes.length === 0) return { json: undefined, text: "" };
  const text = decoder.decode(bytes);
  return { json: JSON.parse(text), text };
}

/** False when no part of the JSON can be tagged, which saves a walk. */
export function hasTags(text: string): boolean {
  return text.includes('"$');
}

/** What was readable when it was tagged may still be too long for a string, or have a getter that throws later. */
function stringify(json: unknown): string {
  try {
    return JSON.stringify(json);
  } catch (error) {
    throw new UnserializableValueError(`not readable (${readMessage(error)})`, "$");
  }
}
