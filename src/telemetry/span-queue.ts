/** Spans that wait for their export, bounded in number and in bytes, which are those of OTLP's JSON, estimated. */
import type { Span, SpanAttributes } from "./span.ts";

/** Spans that wait at most; further ones are dropped. */
export const MAX_SPANS = 2_048;

/** Bytes of spans that wait at most: an isolate's memory is shared by all its requests. */
export const MAX_WAITING_BYTES: number = 4 * 1024 * 1024;

/** Bytes of one export, unless a single span is larger. */
export const MAX_EXPORT_BYTES: number = 1024 * 1024;

/** What a span, an attribute and a member of a list take besides their texts. */
const SPAN_BYTES = 400;
const ATTRIBUTE_BYTES = 50;
const MEMBER_BYTES = 20;

/** First in, first out. */
export class SpanQueue {
  #waiting: { readonly span: Span; readonly bytes: number }[] = [];
  #bytes = 0;

  get size(): number {
    return this.#waiting.length;
  }

  /** False: there is no room, the span is dropped. */
  add(span: Span): boolean {
    const bytes = bytesOf(span);
    if (this.#waiting.length >= MAX_SPANS || this.#bytes + bytes > MAX_WAITING_BYTES) return false;
    this.#waiting.push({ span, bytes });
    this.#bytes += bytes;
    return true;
  }

  /** Removes the oldest spans, as many as one export takes. */
  take(): readonly Span[] {
    let bytes = 0;
    let count = 0;
    for (const waiting of this.#waiting) {
      if (count > 0 && bytes + waiting.bytes > MAX_EXPORT_BYTES) break;
      bytes += waiting.bytes;
      count += 1;
    }
    this.#bytes -= bytes;
    return this.#waiting.splice(0, count).map(({ span }) => span);
  }

  /** What was taken is the oldest again. The newest ones are dropped for it. */
  putBack(spans: readonly Span[]): void {
    const newer = this.#waiting.map(({ span }) => span);
    this.#waiting = [];
    this.#bytes = 0;
    for (const span of [...spans, ...newer]) if (!this.add(span)) break;
  }
}

function bytesOf({ name, traceState = "", attributes, error }: Span): number {
  const texts = jsonBytes(name) + jsonBytes(traceState) + jsonBytes(error?.type) + jsonBytes(error?.message);
  return Object.entries(attributes).reduce((sum, [key, value]) => {
    return sum + ATTRIBUTE_BYTES + jsonBytes(key) + valueBytes(value);
  }, SPAN_BYTES + texts);
}

function valueBytes(value: SpanAttributes[string]): number {
  if (typeof value === "string") return jsonBytes(value);
  if (typeof value !== "object") return 0;
  return value.reduce((sum, member) => sum + MEMBER_BYTES + jsonBytes(member), 0);
}

/** Bytes of a text in JSON and UTF-8. */
function jsonBytes(text = ""): number {
  let bytes = 0;
  for (let at = 0; at < text.length; at++) bytes += unitBytes(text.charCodeAt(at));
  return bytes;
}

function unitBytes(unit: number): number {
  if (unit < 0x20) return unit >= 0x08 && unit <= 0x0d && unit !== 0x0b ? 2 : 6; // \n, or \u0000
  if (unit < 0x80) return unit === 0x22 || unit === 0x5c ? 2 : 1; // A quote or a backslash is escaped.
  if (unit < 0x800) return 2;
  return unit >= 0xd800 && unit <= 0xdfff ? 2 : 3; // Two surrogates are four bytes.
}
