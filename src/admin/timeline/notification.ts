/**
 * The value or failure of a journal entry, read from its stored form: a message of Restate's service protocol, version 4 and
 * above (`protocol.proto`). Every completion and signal has the same fields: 5 is a value, 6 a failure. `Output` has them as
 * 14 and 15, `Input` its value as 14.
 */

/** What an entry holds. */
export interface EntryResult {
  readonly value?: Uint8Array | undefined;
  readonly failure?: { readonly code?: number | undefined; readonly message: string } | undefined;
}

interface Field {
  readonly number: number;
  /** Of a varint. */
  readonly varint?: number;
  /** Of what has a length. */
  readonly bytes?: Uint8Array;
}

const VALUE_FIELDS: ReadonlySet<number> = new Set([5, 14]);
const FAILURE_FIELDS: ReadonlySet<number> = new Set([6, 15]);

/** The result of an entry; empty when it has none, and when it is nothing that is known. */
export function readEntryResult(raw: Uint8Array): EntryResult {
  try {
    const fields = fieldsOf(raw);
    const value = fields.find(({ number, bytes }) => VALUE_FIELDS.has(number) && bytes !== undefined)?.bytes;
    const failure = fields.find(({ number, bytes }) => FAILURE_FIELDS.has(number) && bytes !== undefined)?.bytes;
    if (failure !== undefined) return { failure: readFailure(failure) };
    if (value === undefined) return {};
    return { value: fieldsOf(value).find(({ number }) => number === 1)?.bytes ?? new Uint8Array() };
  } catch (error) {
    if (error instanceof RangeError) return {};
    throw error;
  }
}

function readFailure(bytes: Uint8Array): EntryResult["failure"] {
  const fields = fieldsOf(bytes);
  const message = fields.find(({ number }) => number === 2)?.bytes ?? new Uint8Array();
  return { code: fields.find(({ number }) => number === 1)?.varint, message: new TextDecoder().decode(message) };
}

/** @throws RangeError for bytes that are no message. */
function fieldsOf(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  for (let at = 0; at < bytes.length;) {
    const tag = varintAt(bytes, at);
    at = tag.end;
    const number = Math.floor(tag.value / 8);
    const type = tag.value % 8;
    if (type === 0) {
      const { value, end } = varintAt(bytes, at);
      fields.push({ number, varint: value });
      at = end;
    } else if (type === 2) {
      const length = varintAt(bytes, at);
      at = length.end + length.value;
      if (at > bytes.length) throw new RangeError("A field ends after its message");
      fields.push({ number, bytes: bytes.subarray(length.end, at) });
    } else if (type === 1 || type === 5) {
      at += type === 1 ? 8 : 4;
    } else {
      throw new RangeError(`No field has the type ${type}`);
    }
  }
  return fields;
}

function varintAt(bytes: Uint8Array, start: number): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let at = start, factor = 1; at < bytes.length && at < start + 10; at++, factor *= 128) {
    const byte = bytes[at] ?? 0;
    value += (byte % 128) * factor;
    if (byte < 128) return { value, end: at + 1 };
  }
  throw new RangeError("A number has no end");
}
