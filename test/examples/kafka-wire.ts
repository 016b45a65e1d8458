/** Numbers, strings and records as Kafka writes them: https://kafka.apache.org/protocol, "Protocol Primitive Types". */

/** Reads a request from its start to its end. */
export class KafkaReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  int8(): number {
    return this.#bytes.readInt8(this.#skip(1));
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#skip(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#skip(4));
  }

  int64(): number {
    return Number(this.#bytes.readBigInt64BE(this.#skip(8)));
  }

  /** Also one that may be null, which is read as empty. */
  string(): string {
    const length = Math.max(this.int16(), 0);
    const start = this.#skip(length);
    return this.#bytes.toString("utf8", start, start + length);
  }

  bytes(): Buffer {
    const length = Math.max(this.int32(), 0);
    const start = this.#skip(length);
    return this.#bytes.subarray(start, start + length);
  }

  array<T>(read: () => T): T[] {
    return Array.from({ length: Math.max(this.int32(), 0) }, read);
  }

  #skip(length: number): number {
    this.#at += length;
    return this.#at - length;
  }
}

/** Writes a response. */
export class KafkaWriter {
  readonly #parts: Buffer[] = [];

  int8(value: number): this {
    return this.#add(1, (buffer) => buffer.writeInt8(value));
  }

  int16(value: number): this {
    return this.#add(2, (buffer) => buffer.writeInt16BE(value));
  }

  int32(value: number): this {
    return this.#add(4, (buffer) => buffer.writeInt32BE(value));
  }

  int64(value: number): this {
    return this.#add(8, (buffer) => buffer.writeBigInt64BE(BigInt(value)));
  }

  string(value: string | null): this {
    if (value === null) return this.int16(-1);
    const bytes = Buffer.from(value);
    this.int16(bytes.length).#parts.push(bytes);
    return this;
  }

  bytes(value: Buffer): this {
    this.int32(value.length).#parts.push(value);
    return this;
  }

  array<T>(items: readonly T[], write: (item: T) => unknown): this {
    this.int32(items.length);
    for (const item of items) write(item);
    return this;
  }

  raw(value: Buffer): this {
    this.#parts.push(value);
    return this;
  }

  /** What was written, without its length. */
  body(): Buffer {
    return Buffer.concat(this.#parts);
  }

  /** What was written, after its length. */
  frame(): Buffer {
    const body = this.body();
    return Buffer.concat([new KafkaWriter().int32(body.length).body(), body]);
  }

  #add(length: number, write: (buffer: Buffer) => unknown): this {
    const buffer = Buffer.alloc(length);
    write(buffer);
    this.#parts.push(buffer);
    return this;
  }
}

/** Records as a batch of version 2; no bytes when there are none. Consumers check no checksum unless they are told to. */
export function recordBatch(
  offset: number,
  records: readonly { readonly key: string; readonly value: string }[],
): Buffer {
  if (records.length === 0) return Buffer.alloc(0);
  const rest = new KafkaWriter();
  rest
    .int32(0) // epoch of the partition's leader
    .int8(2) // version
    .int32(0) // checksum
    .int16(0) // attributes: no compression
    .int32(records.length - 1)
    .int64(0) // first and last time
    .int64(0)
    .int64(-1) // producer, its epoch, its sequence: none
    .int16(-1)
    .int32(-1)
    .array(records.map(recordBytes), (bytes) => rest.raw(bytes));
  return new KafkaWriter().int64(offset).bytes(rest.body()).body();
}

function recordBytes({ key, value }: { readonly key: string; readonly value: string }, index: number): Buffer {
  const text = (content: string): Buffer => {
    const bytes = Buffer.from(content);
    return Buffer.concat([varint(bytes.length), bytes]);
  };
  // Attributes, time, offset, key, value, headers.
  const body = Buffer.concat([Buffer.of(0), varint(0), varint(index), text(key), text(value), varint(0)]);
  return Buffer.concat([varint(body.length), body]);
}

/** A number that is not negative, in zigzag form, seven bits a byte. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let left = value * 2;
  while (left >= 0x80) {
    bytes.push((left % 0x80) + 0x80);
    left = Math.floor(left / 0x80);
  }
  return Buffer.from([...bytes, left]);
}
