import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { BlobMissingError } from "../../../src/errors/blob-missing-error.ts";
import { classifyFailure } from "../../../src/errors/classify.ts";
import { DefinitionError } from "../../../src/errors/definition-error.ts";
import { restoreError } from "../../../src/errors/restore-error.ts";
import { type BlobStore, memoryBlobStore } from "../../../src/journal/blob-store.ts";
import { Blobs, DEFAULT_ABOVE_BYTES } from "../../../src/journal/blobs.ts";
import { r2BlobStore } from "../../../src/journal/r2-blob-store.ts";
import { TerminalError } from "../../../src/restate.ts";

const CONTENT = new TextEncoder().encode("content");
const KEY = createHash("sha256").update("content").digest("hex");
const reference = { key: KEY, bytes: 7 };

/** A store that counts its calls, and fails while it is down. */
function countingStore(): BlobStore & { calls: string[]; down: boolean; blobs: Map<string, Uint8Array> } {
  const memory = memoryBlobStore();
  const store = {
    blobs: memory.blobs,
    calls: [] as string[],
    down: false,
    put: async (key: string, bytes: Uint8Array) => {
      store.calls.push(`put ${key}`);
      if (store.down) throw new TerminalError("bucket is down");
      await memory.put(key, bytes);
    },
    get: async (key: string) => {
      store.calls.push(`get ${key}`);
      if (store.down) throw new TerminalError("bucket is down");
      return memory.get(key);
    },
  };
  return store;
}

describe("Blobs", () => {
  it("pins its bound and its keys", async () => {
    const store = memoryBlobStore();
    expect(DEFAULT_ABOVE_BYTES).toBe(65_536);
    expect(new Blobs({ store }).aboveBytes).toBe(65_536);
    expect(await new Blobs({ store }).put(CONTENT)).toBe(KEY);
    expect(await new Blobs({ store, prefix: "agents/" }).put(CONTENT)).toBe(`agents/${KEY}`);
    expect([...store.blobs.keys()]).toEqual([KEY, `agents/${KEY}`]);
  });

  it("gives back content under any prefix", async () => {
    const store = memoryBlobStore();
    const key = await new Blobs({ store, prefix: "old/" }).put(CONTENT);
    expect(await new Blobs({ store, prefix: "new/" }).get({ key, bytes: 7 }, "s")).toEqual(CONTENT);
  });

  it("reads a key once an attempt, also when it is asked for at the same time", async () => {
    const store = countingStore();
    await store.put(KEY, CONTENT);
    store.calls = [];
    const blobs = new Blobs({ store });
    await Promise.all([blobs.get(reference, "a"), blobs.get(reference, "b")]);
    await blobs.get(reference, "c");
    await blobs.put(CONTENT);
    expect(store.calls).toEqual([`get ${KEY}`]);
  });

  it("does not read what it wrote, and writes it once", async () => {
    const store = countingStore();
    const blobs = new Blobs({ store });
    await blobs.put(CONTENT);
    await blobs.put(CONTENT.slice());
    expect(await blobs.get(reference, "a")).toEqual(CONTENT);
    expect(store.calls).toEqual([`put ${KEY}`]);
  });

  it("writes again what it found missing", async () => {
    const store = countingStore();
    const blobs = new Blobs({ store });
    await expect(blobs.get(reference, "a")).rejects.toThrow(BlobMissingError);
    await blobs.put(CONTENT);
    expect(await blobs.get(reference, "a")).toEqual(CONTENT);
  });

  it.each([
    ["is not in the store", undefined],
    ["has other content than what was stored (7 bytes)", "CONTENT"],
    ["has other content than what was stored (3 bytes)", "con"],
  ])("fails terminally for a blob that %s, naming key and step", async (problem, content) => {
    const store = memoryBlobStore();
    if (content !== undefined) store.blobs.set(KEY, new TextEncoder().encode(content));
    const error: unknown = await new Blobs({ store })
      .get(reference, "agent tool draw c1")
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BlobMissingError);
    expect(error).toMatchObject({
      errorCode: "blob-missing",
      code: 500,
      key: KEY,
      step: "agent tool draw c1",
      message: `Cannot read the result of "agent tool draw c1" from the journal: blob "${KEY}" ${problem}. Keep the blobs of an invocation until it has ended`,
    });
  });

  it("fails terminally when the reference has another length", async () => {
    const blobs = new Blobs({ store: memoryBlobStore() });
    await blobs.put(CONTENT);
    await expect(blobs.get({ key: KEY, bytes: 8 }, "a")).rejects.toThrow("has 7 bytes instead of 8");
  });

  it("fails transiently while the store is down, whatever it throws, and tries again", async () => {
    const store = countingStore();
    const blobs = new Blobs({ store });
    store.down = true;
    for (const call of [() => blobs.put(CONTENT), () => blobs.get(reference, "a")]) {
      const error: unknown = await call().catch((reason: unknown) => reason);
      expect(classifyFailure(error, { what: "a" })).not.toBeInstanceOf(TerminalError);
      expect(error).toMatchObject({ message: expect.stringContaining(`blob "${KEY}": bucket is down`) as unknown });
    }
    store.down = false;
    await store.put(KEY, CONTENT);
    expect(await blobs.get(reference, "a")).toEqual(CONTENT);
  });

  it("refuses a bound that is no number of bytes", () => {
    for (const aboveBytes of [-1, Number.NaN]) {
      expect(() => new Blobs({ store: memoryBlobStore(), aboveBytes })).toThrow(DefinitionError);
    }
  });
});

describe("BlobMissingError", () => {
  it("comes back from the journal with its class and fields", () => {
    const { message, code, metadata } = new BlobMissingError("step 1", "k", "is not in the store");
    const restored = restoreError(new TerminalError(message, { errorCode: code, metadata: metadata ?? {} }));
    expect(BlobMissingError.isInstance(restored)).toBe(true);
    expect(restored).toBeInstanceOf(BlobMissingError);
    expect(restored).toMatchObject({ step: "step 1", key: "k", message });
  });
});

describe("memoryBlobStore", () => {
  it("keeps copies", async () => {
    const store = memoryBlobStore();
    const bytes = CONTENT.slice();
    await store.put("k", bytes);
    bytes.fill(0);
    const first = await store.get("k");
    expect(first).toEqual(CONTENT);
    first?.fill(0);
    expect(await store.get("k")).toEqual(CONTENT);
    expect(await store.get("other")).toBeUndefined();
  });
});

describe("r2BlobStore", () => {
  it("takes its bucket from a function, not before it is needed", async () => {
    let resolved = 0;
    const objects = new Map<string, Uint8Array<ArrayBuffer>>();
    const bucket = {
      put: async (key: string, value: Uint8Array) => objects.set(key, value.slice()),
      get: async (key: string) => {
        const object = objects.get(key);
        return object === undefined ? null : { arrayBuffer: async () => object.buffer };
      },
    };
    const store = r2BlobStore(() => {
      resolved += 1;
      return bucket;
    });
    expect(resolved).toBe(0);
    await store.put("k", CONTENT);
    expect(await store.get("k")).toEqual(CONTENT);
    expect(await store.get("other")).toBeUndefined();
    expect(resolved).toBe(3);
  });
});
