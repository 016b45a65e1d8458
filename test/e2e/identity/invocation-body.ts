/**
 * The journal of an invocation that has just begun, as Restate sends it: version 5 of its service protocol
 * (https://github.com/restatedev/service-protocol), a start message and the input.
 */

const START = 0x0000;
const INPUT = 0x0400;

export const INVOCATION_CONTENT_TYPE = "application/vnd.restate.invocation.v5";

/** The body of `POST /invoke/…` whose handler gets `input`. */
export function invocationBody(input: string): Buffer {
  const start = Buffer.concat([
    bytesField(1, Buffer.alloc(16, 7)), // id
    bytesField(2, Buffer.from("inv_forged")), // debug_id
    Buffer.from([3 << 3, 1]), // known_entries
    Buffer.from([5 << 3, 1]), // partial_state
  ]);
  return Buffer.concat([message(START, start), message(INPUT, bytesField(14, bytesField(1, Buffer.from(input))))]);
}

/** Type, flags, length, then the message. */
function message(type: number, body: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(type, 0);
  head.writeUInt32BE(body.length, 4);
  return Buffer.concat([head, body]);
}

/** A field of Protocol Buffers with a length of its own, which must be below 128. */
function bytesField(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
}
