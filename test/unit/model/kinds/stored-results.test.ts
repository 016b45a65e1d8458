/** What large results do, and how large usual ones are. */
import type { ImageModelV4 } from "@ai-sdk/provider";
import { embed, embedMany, generateImage, generateText, transcribe } from "ai";
import { describe, expect, test, vi } from "vitest";
import {
  durableEmbeddingModel,
  durableImageModel,
  durableModel,
  durableTranscriptionModel,
  JournalTooLargeError,
  memoryBlobStore,
} from "../../../../src/index.ts";
import { runFake } from "../../../../src/testing/run-fake.ts";
import { streamOf, testModel, USAGE } from "../models.ts";
import { AUDIO, errorOf, inContext, storedBytes, storedText } from "./in-context.ts";
import { Calls, embeddingModel, imageModel, transcriptionModel } from "./models.ts";

describe("large results", () => {
  const MIB = 1024 * 1024;
  const large = (calls: Calls, bytes: number) =>
    imageModel(calls, {
      doGenerate: () =>
        calls.during("image", 0, () => ({
          images: [new Uint8Array(bytes).fill(7)],
          warnings: [],
          response: { timestamp: new Date(0), modelId: "image-1", headers: undefined },
        })),
    });

  test("an image that does not fit fails once, and the message says what to do", async () => {
    const calls = new Calls();
    const model = durableImageModel(large(calls, 24 * MIB));
    const result = await runFake(inContext(async () => (await generateImage({ model, prompt: "x" })).images.length));
    expect(errorOf(result)).toBeInstanceOf(JournalTooLargeError);
    expect(String(errorOf(result))).toMatch(/"image-1 image 1".*keep large data outside of the journal \(blobs\)/);
    expect(calls.seen).toEqual(["image"]);
  });

  test("with a blob store it is not in the journal, and comes back the same", async () => {
    const calls = new Calls();
    const store = memoryBlobStore();
    const model = durableImageModel(large(calls, 24 * MIB), { blobs: { store } });
    const program = inContext(async () => (await generateImage({ model, prompt: "x" })).image.uint8Array);
    const first = await runFake(program);
    const again = await runFake(program, { journal: first.journal });
    for (const { outcome } of [first, again]) {
      if (!outcome.ok) throw outcome.error;
      expect(Buffer.from(outcome.value).equals(Buffer.alloc(24 * MIB, 7))).toBe(true);
    }
    expect(storedText(first.journal).length).toBeLessThan(2_000);
    expect(calls.seen).toEqual(["image"]);
  });

  test("many embeddings go into the blob store as bytes", async () => {
    const store = memoryBlobStore();
    const vector = Array.from({ length: 1536 }, (_, index) => Math.fround(Math.sin(index)));
    const doEmbed = async ({ values }: { values: string[] }) => ({
      embeddings: values.map(() => vector),
      warnings: [],
    });
    const model = durableEmbeddingModel(embeddingModel(new Calls(), { doEmbed, maxEmbeddingsPerCall: 100 }), {
      blobs: { store },
    });
    const program = inContext(
      async () => (await embedMany({ model, values: Array(50).fill("x") as string[] })).embeddings,
    );
    const first = await runFake(program);
    const again = await runFake(program, { journal: first.journal });
    expect(again.outcome).toEqual({ ok: true, value: Array(50).fill(vector) });
    expect(storedText(first.journal).length).toBeLessThan(2_000);
  });
});

test("a file that a language model draws goes into the blob store, too", async () => {
  const file = {
    type: "file",
    mediaType: "image/png",
    data: { type: "data", data: new Uint8Array(100_000).fill(3) },
  } as const;
  const drawing = testModel(
    () => streamOf([]),
    async () => ({ content: [file], finishReason: { unified: "stop", raw: undefined }, usage: USAGE, warnings: [] }),
  );
  const model = durableModel(drawing, { blobs: { store: memoryBlobStore() } });
  const program = inContext(async () => {
    const { files } = await generateText({ model, prompt: "draw", maxRetries: 0 });
    return files.map(({ uint8Array }) => uint8Array.length);
  });
  const first = await runFake(program);
  const again = await runFake(program, { journal: first.journal });
  expect([first.outcome, again.outcome]).toEqual(Array(2).fill({ ok: true, value: [100_000] }));
  expect(storedBytes(first.journal)).toBeLessThan(2_000);
  expect(drawing.calls.length).toBe(1);
});

describe("images", () => {
  const HEAD = [0x89, 0x50, 0x4e, 0x47];
  const bytes = (n: number): Uint8Array => new Uint8Array([...HEAD, n]);
  const text = (n: number): string => Buffer.from(bytes(n)).toString("base64");

  test.each([undefined, { store: memoryBlobStore(), aboveBytes: 0 }])(
    "of both forms and several calls come back in order, each with its metadata",
    async (blobs) => {
      let call = 0;
      const doGenerate: ImageModelV4["doGenerate"] = async ({ n }) => {
        const first = 10 * (call += 1);
        const each = Array.from({ length: n }, (_, index) => first + index);
        // The first call is the slowest.
        await new Promise((resolve) => setTimeout(resolve, 30 - first));
        return {
          images: first === 10 ? each.map(text) : each.map(bytes),
          warnings: [],
          providerMetadata: { test: { images: each.map((index) => ({ index })) } },
          response: { timestamp: new Date(first), modelId: "image-1", headers: undefined },
        };
      };
      const model = durableImageModel(imageModel(new Calls(), { doGenerate }), blobs === undefined ? {} : { blobs });
      const program = inContext(async () => {
        const { images, responses, providerMetadata } = await generateImage({ model, prompt: "x", n: 3 });
        return [images.map(({ base64 }) => base64), responses.map(({ timestamp }) => +timestamp), providerMetadata];
      });
      const first = await runFake(program);
      const again = await runFake(program, { journal: first.journal });
      const expected = [
        [text(10), text(11), text(20)],
        [10, 20],
        { test: { images: [{ index: 10 }, { index: 11 }, { index: 20 }] } },
      ];
      expect([first.outcome, again.outcome]).toEqual(Array(2).fill({ ok: true, value: expected }));
    },
  );
});

describe("audio behind a URL", () => {
  test("is fetched inside the step, once", async () => {
    const calls = new Calls();
    const fetched = vi
      .spyOn(globalThis, "fetch")
      .mockImplementation(async () => new Response(AUDIO, { headers: { "content-type": "application/octet-stream" } }));
    try {
      const model = durableTranscriptionModel(transcriptionModel(calls));
      const program = inContext(async () => (await transcribe({ model, audio: new URL("https://files.test/a") })).text);
      const first = await runFake(program);
      const again = await runFake(program, { journal: first.journal });
      expect([first.outcome, again.outcome]).toEqual(Array(2).fill({ ok: true, value: "hello" }));
      expect(fetched).toHaveBeenCalledTimes(1);
      expect(calls.seen).toEqual(["transcribe 13 audio/wav"]);
      expect(first.journal.commands).toEqual(["run transcribe-1 transcribe 1"]);
    } finally {
      fetched.mockRestore();
    }
  });

  test("is left to a provider that can fetch it", async () => {
    const calls = new Calls();
    const inner = transcriptionModel(calls);
    const own = transcriptionModel(calls, {
      doGenerateFromUrl: ({ audio, ...rest }) => inner.doGenerate({ ...rest, audio: audio.href, mediaType: "audio/*" }),
    });
    const model = durableTranscriptionModel(own);
    await runFake(inContext(async () => (await transcribe({ model, audio: new URL("https://files.test/a") })).text));
    expect(calls.seen).toEqual(["transcribe 20 audio/*"]);
  });

  test("that is gone is a failure of its own, at once", async () => {
    const fetched = vi.spyOn(globalThis, "fetch").mockImplementation(async () => new Response("", { status: 404 }));
    try {
      const model = durableTranscriptionModel(transcriptionModel(new Calls()));
      const result = await runFake(
        inContext(() => transcribe({ model, audio: new URL("https://files.test/a?key=1") })),
      );
      expect(errorOf(result)).toMatchObject({ errorCode: "download-failed", statusCode: 404 });
      expect(fetched).toHaveBeenCalledTimes(1);
    } finally {
      fetched.mockRestore();
    }
  });
});

describe("sizes", () => {
  test("a vector of 1,536 numbers takes 8 KiB where JSON takes 17 to 32", async () => {
    const normal = (index: number): number => Math.fround(Math.sin(index * 12.9898) * 0.04);
    const layouts = {
      f32: Array.from({ length: 1536 }, (_, index) => normal(index)),
      decimal: Array.from({ length: 1536 }, (_, index) => Number(normal(index).toPrecision(8))).map((item) => {
        for (let digits = 6; digits < 9; digits += 1) {
          const short = Number(Math.fround(item).toPrecision(digits));
          if (Math.fround(short) === Math.fround(item)) return short;
        }
        return Number(Math.fround(item).toPrecision(9));
      }),
      f64: Array.from({ length: 1536 }, (_, index) => Math.sin(index * 12.9898) * 0.04),
    };
    const sizes: Record<string, [json: number, stored: number]> = {};
    for (const [name, vector] of Object.entries(layouts)) {
      const doEmbed = async () => ({ embeddings: [vector], usage: { tokens: 5 }, warnings: [] });
      const model = durableEmbeddingModel(embeddingModel(new Calls(), { doEmbed }));
      const { outcome, journal } = await runFake(inContext(async () => (await embed({ model, value: "x" })).embedding));
      expect(outcome).toEqual({ ok: true, value: vector });
      const stored = storedBytes(journal);
      sizes[name] = [JSON.stringify(vector).length, stored];
    }
    console.log("bytes of 1,536 numbers as JSON, and as stored:", sizes);
    expect(sizes["f32"]?.[1]).toBeLessThan(8_300);
    expect(sizes["decimal"]?.[1]).toBeLessThan(8_300);
    expect(sizes["f64"]?.[1]).toBeLessThan(16_500);
  });
});
