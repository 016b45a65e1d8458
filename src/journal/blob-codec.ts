/**
 * A codec that keeps large binary content in a blob store: bytes, and texts that are base64, as models and tools return
 * files. The rest stays in the journal, where it is readable.
 *
 * - B1 Content is in the store before the entry that refers to it is written.
 * - B2 What comes back is equal to what went in, also when it was changed while it was stored.
 * - B3 A store that is down fails the attempt; content that is gone fails the invocation (G6).
 */
import { TerminalError } from "../restate.ts";
import { fromBase64, isCanonicalBase64, toBase64 } from "./base64.ts";
import type { BlobReference } from "./blob-reference.ts";
import type { Blobs } from "./blobs.ts";
import type { StepCodec } from "./step-host.ts";
import { hasTags, readJson, type StoredForm, STORED_TYPE, writeJson } from "./stored-form.ts";
import { type BinarySink, tagged } from "./tag.ts";
import { findBlobs, untagged } from "./untag.ts";

/** Writes and reads `form`, with large content in `blobs`. `step` is named by errors. */
export function blobCodec<T>(form: StoredForm<T>, blobs: Blobs, step: string): StepCodec<T> {
  return {
    contentType: STORED_TYPE,
    encode: (value) => {
      const outgoing = new OutgoingBlobs(blobs.aboveBytes);
      const json = form.pack(value, (part) => tagged(part, outgoing));
      return outgoing.count === 0 ? writeJson(json) : outgoing.store(blobs).then(() => writeJson(json));
    },
    decode: (bytes) => {
      const { json, text } = readJson(bytes);
      const read = (lookup?: (reference: BlobReference) => unknown): T =>
        form.unpack(json, hasTags(text) ? (part) => untagged(part, lookup) : (part) => part);
      if (!text.includes('"$blob"')) return read();
      const references: BlobReference[] = [];
      form.unpack(json, (part) => {
        findBlobs(part, (reference) => references.push(reference));
        return part;
      });
      return loadAll(references, blobs, step).then((contents) => read((reference) => restored(reference, contents)));
    },
  };
}

/** Content on its way into the store. */
class OutgoingBlobs implements BinarySink {
  readonly #aboveBytes: number;
  readonly #blobs: { readonly bytes: Uint8Array<ArrayBuffer>; readonly reference: { key: string } }[] = [];

  constructor(aboveBytes: number) {
    this.#aboveBytes = aboveBytes;
  }

  get count(): number {
    return this.#blobs.length;
  }

  bytes(bytes: Uint8Array, as: "buffer" | "bytes"): object | undefined {
    if (bytes.length <= this.#aboveBytes) return undefined;
    return this.#take(bytes.slice(), as === "buffer" ? { as } : {}); // A copy, see B2.
  }

  text(text: string): object | undefined {
    if ((text.length / 4) * 3 <= this.#aboveBytes || !isCanonicalBase64(text)) return undefined;
    const bytes = fromBase64(text);
    return bytes.length <= this.#aboveBytes ? undefined : this.#take(bytes, { as: "base64" });
  }

  /** Fills in the keys. */
  async store(blobs: Blobs): Promise<void> {
    await Promise.all(
      this.#blobs.map(async ({ bytes, reference }) => {
        reference.key = await blobs.put(bytes);
      }),
    );
  }

  #take(bytes: Uint8Array<ArrayBuffer>, kind: Pick<BlobReference, "as">): object {
    const reference = { key: "", bytes: bytes.length, ...kind };
    this.#blobs.push({ bytes, reference });
    return { $blob: reference };
  }
}

/** All at once. A failure of the store comes before content that is missing: another attempt may tell otherwise. */
async function loadAll(
  references: readonly BlobReference[],
  blobs: Blobs,
  step: string,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const loads = await Promise.allSettled(
    references.map(async (reference) => [reference.key, await blobs.get(reference, step)] as const),
  );
  const failures = loads.flatMap((load) => (load.status === "rejected" ? [load.reason as Error] : []));
  const [failure] = failures;
  if (failure !== undefined) throw failures.find((error) => !(error instanceof TerminalError)) ?? failure;
  return new Map(loads.flatMap((load) => (load.status === "fulfilled" ? [load.value] : [])));
}

/** Its own copy for each place: the owner of a value may change it. */
function restored({ key, as }: BlobReference, contents: ReadonlyMap<string, Uint8Array>): unknown {
  const content = contents.get(key) ?? new Uint8Array();
  if (as === "base64") return toBase64(content);
  const copy = new Uint8Array(content);
  return as === "buffer" ? copy.buffer : copy;
}
