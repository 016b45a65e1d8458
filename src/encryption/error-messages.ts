/**
 * Why an attempt has failed, as the SDK tells Restate: the last place where a text can leave unencrypted.
 *
 * The hooks of an app's encryption see what its handlers and steps throw. What the SDK itself catches, such as what a serde
 * throws of a value that it cannot write or read, ends the attempt before a hook can encrypt it. It often quotes the value.
 */

/** Bytes before each message of the protocol: two of its type, two of flags, four of its length. */
export const HEAD_BYTES = 8;

const ERROR_TYPE = 0x0002;
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

/**
 * Whole messages, with the reasons of failed attempts as `seal` writes them.
 *
 * @param seal What is told instead of a reason; undefined: it may be told.
 */
export async function withSealedErrors(
  messages: Uint8Array<ArrayBuffer>,
  seal: (reason: string) => Promise<string | undefined>,
): Promise<Uint8Array<ArrayBuffer>> {
  const view = new DataView(messages.buffer, messages.byteOffset, messages.byteLength);
  const parts: Uint8Array[] = [];
  let isChanged = false;
  for (let at = 0; at < messages.length;) {
    const end = at + HEAD_BYTES + view.getUint32(at + 4);
    const message = messages.subarray(at, end);
    const own = view.getUint16(at) === ERROR_TYPE ? await sealedError(message, seal) : undefined;
    isChanged ||= own !== undefined;
    parts.push(own ?? message);
    at = end;
  }
  return isChanged ? joined(parts) : messages;
}

async function sealedError(
  message: Uint8Array,
  seal: (reason: string) => Promise<string | undefined>,
): Promise<Uint8Array | undefined> {
  const fields = fieldsOf(message.subarray(HEAD_BYTES));
  const code = fields.find(({ number }) => number === CODE)?.value;
  if (code !== undefined && code !== INTERNAL_ERROR) return undefined;
  const reason = new TextDecoder().decode(fields.find(({ number }) => number === MESSAGE)?.text);
  const sealed = await seal(reason);
  if (sealed === undefined) return undefined;
  const text = new TextEncoder().encode(sealed);
  const written = fields.map(({ number, bytes }) =>
    number === MESSAGE || number === STACK
      ? joined([Uint8Array.of((number << 3) | TEXT), varint(text.length), text])
      : bytes,
  );
  const body = joined(written);
  const head = message.slice(0, HEAD_BYTES);
  new DataView(head.buffer).setUint32(4, body.length);
  return joined([head, body]);
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
