import { Buffer } from "node:buffer";

/** Counts what passes on one connection. */
export interface TrafficCounter {
  /** Requests that have begun. */
  readonly requests: number;
  /** Bytes of their bodies. */
  readonly bodyBytes: number;
  /** Looks at the bytes that the client sent next. */
  push(chunk: Buffer): void;
}

const HEAD_END = "\r\n\r\n";
const LINE_END = "\r\n";

/** Counts the requests of an HTTP/1.1 connection (RFC 9112), and the bytes of their bodies without chunk framing. */
export class Http1Counter implements TrafficCounter {
  requests = 0;
  bodyBytes = 0;
  /** What comes next: a head, so many bytes of a body, or the line before or after a chunk. */
  #state: "head" | "body" | "chunk" | "chunk-size" | "chunk-end" | "trailers" = "head";
  #left = 0;
  /** The part of a head or line that has come so far. */
  #pending = Buffer.alloc(0);

  push(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) {
      rest = this.#state === "body" || this.#state === "chunk" ? this.#takeBody(rest) : this.#takeText(rest);
    }
  }

  #takeBody(bytes: Buffer): Buffer {
    const taken = Math.min(this.#left, bytes.length);
    this.bodyBytes += taken;
    this.#left -= taken;
    if (this.#left === 0) this.#state = this.#state === "chunk" ? "chunk-end" : "head";
    return bytes.subarray(taken);
  }

  #takeText(bytes: Buffer): Buffer {
    const end = this.#state === "head" ? HEAD_END : LINE_END;
    const all = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
    const at = all.indexOf(end);
    if (at < 0) {
      this.#pending = Buffer.from(all);
      return bytes.subarray(bytes.length);
    }
    this.#pending = Buffer.alloc(0);
    this.#read(all.toString("latin1", 0, at));
    return all.subarray(at + end.length);
  }

  #read(text: string): void {
    switch (this.#state) {
      case "head":
        this.requests += 1;
        this.#readHead(text);
        break;
      case "chunk-size":
        this.#left = Number.parseInt(text, 16);
        this.#state = this.#left > 0 ? "chunk" : "trailers";
        break;
      case "chunk-end":
        this.#state = "chunk-size";
        break;
      default:
        if (text === "") this.#state = "head";
    }
  }

  #readHead(head: string): void {
    const length = /^content-length:\s*(\d+)\s*$/im.exec(head)?.[1];
    if (/^transfer-encoding:.*chunked/im.test(head)) {
      this.#state = "chunk-size";
    } else if (Number(length ?? 0) > 0) {
      this.#left = Number(length);
      this.#state = "body";
    }
  }
}
