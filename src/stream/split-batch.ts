import { bytesOf } from "./stream-object-state.ts";
import type { StreamBatch } from "./stream-store.ts";

/** Most bytes of chunks that go with one request; a chunk that is larger goes alone. */
const MAX_BATCH_BYTES = 256 * 1024;

/** A batch as batches that are small enough, in order; the last one completes the segment. */
export function splitBatch(batch: StreamBatch): readonly StreamBatch[] {
  const { chunks, from, complete, digest, ...rest } = batch;
  const parts: StreamBatch[] = [];
  let start = 0;
  let bytes = 0;
  for (const [at, chunk] of chunks.entries()) {
    const size = bytesOf([chunk]);
    if (at > start && bytes + size > MAX_BATCH_BYTES) {
      parts.push({ ...rest, from: from + start, chunks: chunks.slice(start, at) });
      start = at;
      bytes = 0;
    }
    bytes += size;
  }
  parts.push({ ...rest, from: from + start, chunks: chunks.slice(start), complete, digest });
  return parts;
}
