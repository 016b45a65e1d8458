/**
 * Why something has failed, as the SDK tells Restate: the last place where a text can leave unencrypted.
 *
 * The hooks of an app's encryption see what its handlers and steps throw. What the SDK itself catches, such as what a serde
 * throws of a value that it cannot write or read, ends the attempt before a hook can encrypt it, and what an app's
 * `asTerminalError` makes of an error comes after them. Both often quote the value.
 */
import type { StoredFailure } from "./failures.ts";

/** Bytes before each message of the protocol: two of its type, two of flags, four of its length. */
export const HEAD_BYTES = 8;

const ERROR_TYPE = 0x0002;
/** How a step ends, and how an invocation does: in both a failure is the same field. */
const RESULT_TYPES: ReadonlySet<number> = new Set([0x0005, 0x0401]);
const FAILURE = 15;
const METADATA = 3;
/** What handlers, steps and serdes throw. Others are of the protocol, such as a journal that does not fit. */
const INTERNAL_ERROR = 500;
const CODE = 1;
const MESSAGE = 2;
const STACK = 3;

const VARINT = 0;
const FIXED_64 = 1;
const TEXT = 2;

interface Field {
  readonly number: number;
  /** Of a number. */
  readonly value: number;
  /** Of a text. */
  readonly text: Uint8Array;
  /** As it is written. */
  readonly bytes: Uint8Array;
}

/** What is told instead of a failure; undefined: it may be told. */
type Seal = (failure: StoredFailure) => Promise<StoredFailure | undefined>;

/** Whole messages, with failures, and the reasons of failed attempts, as `seal` writes them. */
export async function withSealedErrors(
  messages: Uint8Array<ArrayBuffer>,
  seal: Seal,
): Promise<Uint8Array<ArrayBuffer>> {
  const view = new DataView(messages.buffer, messages.byteOffset, messages.byteLength);
  const parts: Uint8Array[] = [];
  let isChanged = false;
  for (let at = 0; at < messages.length;) {
    const end = at + HEAD_BYTES + view.getUint32(at + 4);
    const message = messages.subarray(at, end);
    const own = await sealedMessage(view.getUint16(at), message, seal);
    isChanged ||= own !== undefined;
    parts.push(own ?? message);
    at = end;
  }
  return isChanged ? joined(parts) : messages;
}

async function sealedMessage(type: number, message: Uint8Array, seal: Seal): Promise<Uint8Array | undefined> {
  if (type !== ERROR_TYPE && !RESULT_TYPES.has(type)) return undefined;
  const fields = fieldsOf(message.subarray(HEAD_BYTES));
  const body = await (type === ERROR_TYPE ? sealedReason(fields, seal) : sealedResult(fields, seal));
  if (body === undefined) return undefined;
  const head = message.slice(0, HEAD_BYTES);
  new DataView(head.buffer).setUint32(4, body.length);
  return joined([head, body]);
}

async function sealedReason(fields: readonly Field[], seal: Seal): Promise<Uint8Array | undefined> {
  const code = fields.find(({ number }) => number === CODE)?.value;
  if (code !== undefined && code !== INTERNAL_ERROR) return undefined;
  const sealed = await seal({ message: textOf(fields, MESSAGE) });
  if (sealed === undefined) return undefined;
  return joined(
    fields.map(({ number, bytes }) =>
      number === MESSAGE || number === STACK ? textField(number, sealed.message) : bytes,
    ),
  );
}

async function sealedResult(fields: readonly Field[], seal: Seal): Promise<Uint8Array | undefined> {
  const failure = fields.find(({ number }) => number === FAILURE);
  if (failure === undefined) return undefined;
  const parts = fieldsOf(failure.text);
  const entries = parts
    .filter(({ number }) => number === METADATA)
    .map(({ text }) => fieldsOf(text))
    .map((entry) => [textOf(entry, 1), textOf(entry, 2)] as const);
  const sealed = await seal({ message: textOf(parts, MESSAGE), metadata: Object.fromEntries(entries) });
  if (sealed === undefined) return undefined;
  const metadata = Object.entries(sealed.metadata ?? {}).map(([name, value]) =>
    withLength(METADATA, joined([textField(1, name), textField(2, value)])),
  );
  const code = parts.filter(({ number }) => number === CODE).map(({ bytes }) => bytes);
  const own = joined([...code, textField(MESSAGE, sealed.message), ...metadata]);
  return joined(fields.map((field) => (field === failure ? withLength(FAILURE, own) : field.bytes)));
}

function textOf(fields: readonly Field[], number: number): string {
  return new TextDecoder().decode(fields.find((field) => field.number === number)?.text);
}

function textField(number: number, text: string): Uint8Array {
  return withLength(number, new TextEncoder().encode(text));
}

function withLength(number: number, bytes: Uint8Array): Uint8Array {
  return joined([Uint8Array.of((number << 3) | TEXT), varint(bytes.length), bytes]);
}

/** The fields of a message in Protocol Buffers. */
function fieldsOf(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  for (let at = 0; at < bytes.length;) {
    const tag = readVarint(bytes, at);
    const number = Math.floor(tag.value / 8);
    const kind = tag.value % 8;
    const { value, end } = kind === VARINT || kind === TEXT ? readVarint(bytes, tag.end) : { value: 0, end: tag.end };
    const fixed = kind === FIXED_64 ? 8 : 4;
    const next = kind === VARINT ? end : end + (kind === TEXT ? value : fixed);
    fields.push({ number, value, text: bytes.subarray(end, next), bytes: bytes.subarray(at, next) });
    at = next;
  }
  return fields;
}

function readVarint(bytes: Uint8Array, from: number): { readonly value: number; readonly end: number } {
  let value = 0;
  let factor = 1;
  for (let at = from; ; at += 1) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * factor;
    factor *= 128;
    if (byte < 0x80) return { value, end: at + 1 };
  }
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Uint8Array.from([...bytes, rest]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
