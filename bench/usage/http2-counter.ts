import { Buffer } from "node:buffer";
import type { TrafficCounter } from "./http1-counter.ts";

const PREFACE_BYTES = 24;
const FRAME_HEAD_BYTES = 9;
const DATA = 0;
const HEADERS = 1;

/**
 * Counts the requests of a cleartext HTTP/2 connection (RFC 9113): each stream begins with a HEADERS frame, and DATA
 * frames carry the bodies. Their padding, which nobody uses on loopback, would count as body.
 */
export class Http2Counter implements TrafficCounter {
  requests = 0;
  bodyBytes = 0;
  readonly #streams = new Set<number>();
  /** Bytes that say nothing: the rest of the preface or of a frame. */
  #skip = PREFACE_BYTES;
  #head = Buffer.alloc(0);

  push(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, rest.length);
        this.#skip -= skipped;
        rest = rest.subarray(skipped);
        continue;
      }
      const missing = FRAME_HEAD_BYTES - this.#head.length;
      this.#head = Buffer.concat([this.#head, rest.subarray(0, missing)]);
      rest = rest.subarray(missing);
      if (this.#head.length === FRAME_HEAD_BYTES) this.#readFrame();
    }
  }

  #readFrame(): void {
    const length = this.#head.readUIntBE(0, 3);
    const type = this.#head[3];
    const stream = this.#head.readUInt32BE(5) & 0x7f_ff_ff_ff;
    this.#head = Buffer.alloc(0);
    this.#skip = length;
    if (type === DATA) this.bodyBytes += length;
    // Trailers are HEADERS of a stream that has begun before.
    if (type === HEADERS && !this.#streams.has(stream)) {
      this.#streams.add(stream);
      this.requests += 1;
    }
  }
}
