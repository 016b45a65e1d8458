import { deepStrictEqual } from "node:assert/strict";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BlobMissingError } from "../../../src/errors/blob-missing-error.ts";
import { toBase64 } from "../../../src/journal/base64.ts";
import { blobCodec } from "../../../src/journal/blob-codec.ts";
import { memoryBlobStore } from "../../../src/journal/blob-store.ts";
import { type BlobOptions, Blobs } from "../../../src/journal/blobs.ts";
import { encodeValue, jsonCodec, valueForm } from "../../../src/journal/codec.ts";
import { type ModelStep, modelStepCodec, modelStepForm } from "../../../src/model/model-step.ts";

const KEY_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const ABC = new TextEncoder().encode("abc");

const codec = (options: BlobOptions): ReturnType<typeof blobCodec<unknown>> =>
  blobCodec(valueForm, new Blobs(options), "agent tool draw c1");
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const stored = (json: string): Uint8Array => new TextEncoder().encode(json);
/** Written in one attempt, read in the next. */
const roundTrip = async (value: unknown, options: BlobOptions): Promise<unknown> =>
  codec(options).decode(await codec(options).encode(value));

const STEP: ModelStep = {
  content: [
    { type: "text", text: "Here it is" },
    { type: "file", mediaType: "image/png", data: { type: "data", data: new Uint8Array(100_000).fill(7) } },
    { type: "reasoning-file", mediaType: "image/png", data: { type: "data", data: toBase64(new Uint8Array(70_000)) } },
    { type: "tool-call", toolCallId: "c1", toolName: "draw", input: '{"$blob":{"key":"mine","bytes":1}}' },
    { type: "tool-result", toolCallId: "c2", toolName: "image", result: { result: toBase64(new Uint8Array(80_000)) } },
  ],
  finishReason: { unified: "tool-calls", raw: "tool_calls" },
  usage: {
    inputTokens: { total: 3, noCache: 3, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: 2, text: 2, reasoning: 0 },
  },
  warnings: [],
  response: { id: "resp_1", timestamp: new Date(1_000), modelId: "m" },
  ms: 1,
};

describe("blobCodec", () => {
  it("pins the stored forms", async () => {
    const writer = codec({ store: memoryBlobStore(), aboveBytes: 2 });
    const rows: [unknown, string][] = [
      [ABC, `{"$blob":{"key":"${KEY_ABC}","bytes":3}}`],
      [{ a: ABC.slice().buffer }, `{"a":{"$blob":{"key":"${KEY_ABC}","bytes":3,"as":"buffer"}}}`],
      [["YWJj"], `[{"$blob":{"key":"${KEY_ABC}","bytes":3,"as":"base64"}}]`],
      [ABC.subarray(1), '{"$bytes":"YmM="}'],
      ["YmM=", '"YmM="'],
      [{ $blob: 1 }, '{"$object":{"$blob":1}}'],
      [undefined, ""],
    ];
    for (const [value, form] of rows) expect(text(await writer.encode(value))).toBe(form);
    const prefixed = codec({ store: memoryBlobStore(), aboveBytes: 2, prefix: "p/" });
    expect(text(await prefixed.encode(ABC))).toContain(`"key":"p/${KEY_ABC}"`);
  });

  it("leaves what is small in the journal, and needs no promise for it", () => {
    const store = memoryBlobStore();
    const value = {
      text: "a".repeat(100_001),
      bytes: new Uint8Array(65_536),
      base64: toBase64(new Uint8Array(65_536)),
    };
    const bytes = codec({ store }).encode(value);
    deepStrictEqual(bytes, encodeValue(value));
    deepStrictEqual(codec({ store }).decode(encodeValue(value)), value);
    expect(store.blobs.size).toBe(0);
  });

  it("has stored the content before it gives the entry", async () => {
    const order: string[] = [];
    const store = {
      put: async () => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        order.push("stored");
      },
      get: async () => undefined,
    };
    await codec({ store, aboveBytes: 2 }).encode(ABC);
    order.push("entry");
    expect(order).toEqual(["stored", "entry"]);
  });

  it("gives back what was given, also when that changes meanwhile", async () => {
    const store = memoryBlobStore();
    const value = { bytes: ABC.slice(), list: [1], map: new Map([["k", { n: 1 }]]) };
    const encoding = codec({ store, aboveBytes: 2 }).encode(value);
    value.bytes.fill(0);
    value.list.push(2);
    (value.map.get("k") ?? { n: 0 }).n = 2;
    (value as { later?: unknown }).later = true;
    const back = await codec({ store }).decode(await encoding);
    expect(back).toEqual({ bytes: ABC, list: [1], map: new Map([["k", { n: 1 }]]) });
  });

  it("gives each place its own bytes", async () => {
    const store = memoryBlobStore();
    const bytes = await codec({ store, aboveBytes: 2 }).encode([ABC, ABC]);
    const reader = codec({ store });
    const [first, second] = (await reader.decode(bytes)) as [Uint8Array, Uint8Array];
    first.fill(0);
    expect(second).toEqual(ABC);
    expect(await reader.decode(bytes)).toEqual([ABC, ABC]);
  });

  it("gives back any value", async () => {
    const bytes = fc.uint8Array({ maxLength: 12 });
    const scalar = fc.oneof(
      fc.string(),
      bytes,
      bytes.map((content) => content.slice().buffer),
      bytes.map(toBase64),
      fc.constantFrom(undefined, null, 1n, "AA==", "AB==", "AAA", "====", `${KEY_ABC}`),
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        scalar,
        fc.array(tie("value"), { maxLength: 4 }),
        fc.dictionary(
          fc.constantFrom("$blob", "$object", "$bytes", "key", "bytes", "__proto__", "a"),
          tie("value").filter((item) => item !== undefined),
          { noNullPrototype: true, maxKeys: 3 },
        ),
        fc.array(fc.tuple(tie("value"), tie("value")), { maxLength: 2 }).map((entries) => new Map(entries)),
        fc.array(tie("value"), { maxLength: 2 }).map((items) => new Set(items)),
      ),
    }));
    await fc.assert(
      fc.asyncProperty(value, fc.nat(6), async (item, aboveBytes) => {
        deepStrictEqual(await roundTrip(item, { store: memoryBlobStore(), aboveBytes }), item);
      }),
      { numRuns: 1_000 },
    );
  });

  it("keeps a model's files out of its step", async () => {
    const store = memoryBlobStore();
    const write = blobCodec(modelStepForm, new Blobs({ store }), "agent model 1");
    const bytes = await write.encode(STEP);
    expect(store.blobs.size).toBe(3);
    expect(bytes.length).toBeLessThan(1_000);
    expect(text(bytes)).toMatch(/^\{"v":2,"content":\[\{"text":"Here it is"\},/);
    const read = blobCodec(modelStepForm, new Blobs({ store }), "agent model 1");
    deepStrictEqual(await read.decode(bytes), STEP);
    deepStrictEqual(await read.decode(modelStepCodec.encode(STEP)), STEP);
  });

  it("reads the blobs of a step at the same time", async () => {
    const store = memoryBlobStore();
    const bytes = await codec({ store, aboveBytes: 0 }).encode([
      new Uint8Array(1),
      new Uint8Array(2),
      new Uint8Array(3),
    ]);
    let waiting = 0;
    let most = 0;
    const slow = {
      put: async () => {},
      get: async (key: string) => {
        most = Math.max(most, (waiting += 1));
        await new Promise((resolve) => setTimeout(resolve, 5));
        waiting -= 1;
        return store.get(key);
      },
    };
    await codec({ store: slow }).decode(bytes);
    expect(most).toBe(3);
  });

  it("says that a blob is missing", async () => {
    const store = memoryBlobStore();
    const bytes = await codec({ store, aboveBytes: 2 }).encode({ png: ABC });
    store.blobs.clear();
    const reading = Promise.resolve(codec({ store }).decode(bytes));
    await expect(reading).rejects.toThrow(BlobMissingError);
    await expect(reading).rejects.toMatchObject({ step: "agent tool draw c1", key: KEY_ABC });
  });

  it("says first that the store is down", async () => {
    const store = memoryBlobStore();
    const bytes = await codec({ store, aboveBytes: 0 }).encode([new Uint8Array(1), new Uint8Array(2)]);
    let calls = 0;
    const failing = {
      put: async () => {},
      get: async () => {
        if ((calls += 1) === 2) throw new Error("bucket is down");
        return undefined;
      },
    };
    await expect(codec({ store: failing }).decode(bytes)).rejects.toThrow("bucket is down");
  });

  it("says that a newer version wrote a reference", () => {
    for (const json of ['{"$blob":{"key":"k","bytes":1,"as":"stream"}}', '{"$blob":{"bytes":1}}', '{"$blob":null}']) {
      expect(() => codec({ store: memoryBlobStore() }).decode(stored(json))).toThrow("newer version");
    }
  });
});

describe("a codec without a store", () => {
  it("asks for `blobs` when it meets a blob", async () => {
    const store = memoryBlobStore();
    const bytes = await codec({ store, aboveBytes: 2 }).encode({ png: ABC });
    expect(() => jsonCodec.decode(bytes)).toThrow(
      `3 bytes of it lie in a blob store, under "${KEY_ABC}". Configure \`blobs\` with that store`,
    );
    const step = await blobCodec(modelStepForm, new Blobs({ store }), "s").encode(STEP);
    expect(() => modelStepCodec.decode(step)).toThrow("Configure `blobs`");
  });

  it("leaves a user's $blob alone", () => {
    const value = { $blob: { key: "k", bytes: 1 } };
    expect(jsonCodec.decode(jsonCodec.encode(value))).toEqual(value);
  });
});
