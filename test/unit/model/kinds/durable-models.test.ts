import { APICallError } from "@ai-sdk/provider";
import { embed, embedMany, generateImage, generateSpeech, rerank, transcribe } from "ai";
import { describe, expect, test } from "vitest";
import {
  AbortedError,
  DefinitionError,
  durableEmbeddingModel,
  durableImageModel,
  durableRerankingModel,
  durableSpeechModel,
  durableTranscriptionModel,
  memoryBlobStore,
  ModelCallError,
  OutsideHandlerError,
} from "../../../../src/index.ts";
import { crashEverywhere, runFake } from "../../../../src/testing/run-fake.ts";
import { AUDIO, errorOf, fail, inContext, storedText } from "./in-context.ts";
import { Calls, embeddingModel, imageModel, rerankingModel, speechModel, transcriptionModel } from "./models.ts";

/** One call of each kind. */
function everyKind(calls: Calls): () => Promise<unknown> {
  const models = {
    embedding: durableEmbeddingModel(embeddingModel(calls)),
    image: durableImageModel(imageModel(calls)),
    speech: durableSpeechModel(speechModel(calls)),
    transcription: durableTranscriptionModel(transcriptionModel(calls)),
    reranking: durableRerankingModel(rerankingModel(calls)),
  };
  return async () => {
    const one = await embed({ model: models.embedding, value: "one" });
    const many = await embedMany({ model: models.embedding, values: ["a", "bb", "ccc", "dddd", "eeeee"] });
    const { images, responses } = await generateImage({ model: models.image, prompt: "a cat", n: 3 });
    const speech = await generateSpeech({ model: models.speech, text: "hello" });
    const said = await transcribe({ model: models.transcription, audio: AUDIO });
    const ranked = await rerank({ model: models.reranking, query: "q", documents: ["x", "y", "z"], topN: 2 });
    return {
      one: [one.embedding, one.usage, one.warnings, one.providerMetadata, one.response],
      many: [many.embeddings, many.usage, many.warnings, many.responses],
      images: images.map(({ base64, mediaType }) => [base64, mediaType]),
      imageTimes: responses.map(({ timestamp }) => timestamp.toISOString()),
      speech: [speech.audio.base64, speech.audio.mediaType, speech.responses],
      said: [said.text, said.segments, said.language, said.durationInSeconds, said.responses],
      ranked: [ranked.rerankedDocuments, ranked.ranking.map(({ score }) => score), ranked.response],
    };
  };
}

describe("every kind of model", () => {
  test("makes one step of each call, with these names", async () => {
    const calls = new Calls();
    const { outcome, journal } = await runFake(inContext(everyKind(calls)));
    expect(outcome.ok, String(outcome.ok || outcome.error)).toBe(true);
    expect(journal.commands).toEqual([
      "run embed-1 embed 1",
      "run embed-1 embed 2",
      "run embed-1 embed 3",
      "run embed-1 embed 4",
      "run image-1 image 1",
      "run image-1 image 2",
      "run speech-1 speech 1",
      "run transcribe-1 transcribe 1",
      "run rerank-1 rerank 1",
    ]);
    expect(calls.highWater).toBe(3);
  });

  test("gives what the AI SDK gives without it, but for what is not stored", async () => {
    const { outcome } = await runFake(inContext(everyKind(new Calls())));
    expect(outcome).toMatchObject({
      ok: true,
      value: {
        one: [[3, 3.1], { tokens: 1 }, [{ type: "other", message: "warned of one" }], { test: { cost: 1 } }, undefined],
        many: [
          [
            [1, 1.1],
            [2, 2.1],
            [3, 3.1],
            [4, 4.1],
            [5, 5.1],
          ],
          { tokens: 5 },
          [
            { type: "other", message: "warned of a,bb" },
            { type: "other", message: "warned of ccc,dddd" },
            { type: "other", message: "warned of eeeee" },
          ],
          [undefined, undefined, undefined],
        ],
        images: [
          ["iVACAA==", "image/png"],
          ["iVACAQ==", "image/png"],
          ["iVABAA==", "image/png"],
        ],
        speech: ["AQL/", "audio/pcm", [{ modelId: "speech-1", headers: { "content-type": "audio/pcm" } }]],
        said: ["hello", [{ text: "hello", startSecond: 0, endSecond: 0.5 }], undefined, 0.5, [{}]],
        ranked: [["z", "y"], [0.25, 0.1 + 0.05], { id: "rr-1", modelId: "rerank-1" }],
      },
    });
  });

  test("stores no input, request, response body or header", async () => {
    const { journal } = await runFake(inContext(everyKind(new Calls())));
    const stored = storedText(journal);
    expect(stored).toContain("warned of one");
    expect(stored).not.toMatch(/body-of|header-of|x-secret|a cat|"hello"\]/);
    expect(stored).not.toContain(Buffer.from(AUDIO).toString("base64"));
  });

  test.each(["bidirectional", "request-response"] as const)(
    "calls no provider again for what is journaled, wherever the process dies (%s)",
    async (mode) => {
      const program = inContext(() => everyKind(new Calls())());
      const { whole, crashed } = await crashEverywhere(program, { mode });
      expect(crashed.length).toBe(2 * 9);
      for (const [index, { outcome, executions, journal }] of crashed.entries()) {
        expect(outcome.ok).toBe(true);
        expect(journal.commands).toEqual(whole.journal.commands);
        const known = journal.events.slice(0, index + 1);
        const done = new Set(known.flatMap((event) => (event.type === "completion" ? [event.command] : [])));
        for (const [command, name] of journal.commands.entries()) {
          const count = executions.get(name.replace(/^run /, "")) ?? 0;
          expect(count, `${name}, crash at ${index + 1}`).toBeLessThanOrEqual(done.has(command) ? 1 : 2);
        }
      }
    },
  );

  test("replays from the journal alone, with the same ids and times", async () => {
    const calls = new Calls();
    const program = everyKind(calls);
    const first = await runFake(inContext(program));
    const made = calls.seen.length;
    const again = await runFake(inContext(program), { journal: first.journal });
    expect(again.outcome).toEqual(first.outcome);
    expect(calls.seen.length).toBe(made);
  });

  test("outside of a handler is an error that says so", async () => {
    const model = durableEmbeddingModel(embeddingModel(new Calls()));
    await expect(embed({ model, value: "x" })).rejects.toBeInstanceOf(OutsideHandlerError);
  });
});

describe("parallel calls", () => {
  test("maxParallelCalls and models without parallel calls are kept to, with the same names", async () => {
    const values = ["a", "b", "c", "d", "e"];
    const program = (calls: Calls, own: object, maxParallelCalls: number) => async () =>
      (await embedMany({ model: durableEmbeddingModel(embeddingModel(calls, own)), values, maxParallelCalls })).usage;
    const seen: [number, string[]][] = [];
    for (const [own, parallel] of [
      [{ maxEmbeddingsPerCall: 1 }, 2],
      [{ maxEmbeddingsPerCall: 1, supportsParallelCalls: false }, 5],
      [{ maxEmbeddingsPerCall: Promise.resolve(1), supportsParallelCalls: Promise.resolve(true) }, 5],
    ] as const) {
      const calls = new Calls();
      const { journal } = await runFake(inContext(program(calls, own, parallel)));
      seen.push([calls.highWater, journal.commands.map(String)]);
    }
    expect(seen.map(([highWater]) => highWater)).toEqual([2, 1, 5]);
    const names = values.map((_, index) => `run embed-1 embed ${index + 1}`);
    for (const [, commands] of seen) expect(commands).toEqual(names);
  });

  test("each embedding belongs to its value, whatever completes first and wherever the process dies", async () => {
    const values = Array.from({ length: 7 }, (_, index) => "x".repeat(index + 1));
    const expected = values.map(({ length }) => [length, 0.1 + length]);
    for (let seed = 1; seed <= 20; seed += 1) {
      const model = durableEmbeddingModel(embeddingModel(new Calls()), { name: "docs" });
      const { crashed } = await crashEverywhere(
        inContext(async () => (await embedMany({ model, values })).embeddings),
        { seed, mode: seed % 2 === 0 ? "request-response" : "bidirectional" },
      );
      for (const { outcome } of crashed) expect(outcome).toEqual({ ok: true, value: expected });
    }
  });
});

describe("failures", () => {
  const refusal = (statusCode: number): APICallError =>
    new APICallError({
      message: `scripted ${statusCode}`,
      url: "https://api.test/v1",
      requestBodyValues: { secret: 1 },
      statusCode,
      responseHeaders: { "x-secret": "1" },
      responseBody: "body-of-the-answer",
    });

  test("a refused call fails once, with provider and model, the same on replay", async () => {
    const calls = new Calls();
    const model = durableEmbeddingModel(
      embeddingModel(calls, { doEmbed: () => calls.during("embed", 0, () => fail(refusal(401))) }),
    );
    const program = inContext(() => embed({ model, value: "x" })); // The AI SDK's own two retries are not switched off.
    const first = await runFake(program);
    const again = await runFake(program, { journal: first.journal });
    for (const result of [first, again]) {
      const error = errorOf(result) as ModelCallError;
      expect(error).toBeInstanceOf(ModelCallError);
      expect(error.message).toBe("Model call failed: test.embedding embed-1 answered 401: scripted 401");
      expect(APICallError.isInstance(error.cause)).toBe(true);
    }
    expect(calls.seen).toEqual(["embed"]);
    expect(storedText(first.journal)).not.toMatch(/body-of|secret/);
  });

  test("a transient failure is retried by Restate, not by the AI SDK as well", async () => {
    const calls = new Calls();
    let broken = 2;
    const model = durableSpeechModel(
      speechModel(calls, {
        doGenerate: async (parameters) => {
          if (broken-- > 0) return calls.during("refused", 0, () => fail(refusal(503)));
          return speechModel(calls).doGenerate(parameters);
        },
      }),
    );
    const { outcome, executions, attempts } = await runFake(
      inContext(async () => (await generateSpeech({ model, text: "x" })).audio.base64),
    );
    expect(outcome).toEqual({ ok: true, value: "AQL/" });
    expect(calls.seen).toEqual(["refused", "refused", "speech x"]);
    expect([...executions]).toEqual([["speech-1 speech 1", 3]]);
    expect(attempts).toBe(3);
  });

  test.each<[string, (calls: Calls, broken: () => boolean) => () => Promise<unknown>]>([
    [
      "too few embeddings",
      (calls, broken) => {
        const doEmbed = async (parameters: { values: string[] }) => {
          const answer = await embeddingModel(calls).doEmbed(parameters);
          return broken() ? { ...answer, embeddings: [] } : answer;
        };
        const model = durableEmbeddingModel(embeddingModel(calls, { doEmbed }));
        return () => embedMany({ model, values: ["a", "b"] });
      },
    ],
    [
      "no image",
      (calls, broken) => {
        const inner = imageModel(calls);
        const model = durableImageModel(
          imageModel(calls, {
            doGenerate: async (parameters) => {
              const answer = await inner.doGenerate(parameters);
              return broken() ? { ...answer, images: [] } : answer;
            },
          }),
        );
        return () => generateImage({ model, prompt: "x" });
      },
    ],
    [
      "no audio",
      (calls, broken) => {
        const inner = speechModel(calls);
        const model = durableSpeechModel(
          speechModel(calls, {
            doGenerate: async (parameters) => {
              const answer = await inner.doGenerate(parameters);
              return broken() ? { ...answer, audio: "" } : answer;
            },
          }),
        );
        return () => generateSpeech({ model, text: "x" });
      },
    ],
    [
      "a ranking of other documents",
      (calls, broken) => {
        const inner = rerankingModel(calls);
        const model = durableRerankingModel(
          rerankingModel(calls, {
            doRerank: async (parameters) => {
              const answer = await inner.doRerank(parameters);
              return broken() ? { ...answer, ranking: [{ index: 9, relevanceScore: 1 }] } : answer;
            },
          }),
        );
        return () => rerank({ model, query: "q", documents: ["x"] });
      },
    ],
  ])("an answer with %s is asked for again", async (_, make) => {
    const calls = new Calls();
    let left = 1;
    const program = make(calls, () => left-- > 0);
    const { outcome } = await runFake(inContext(async () => void (await program())));
    expect(outcome.ok).toBe(true);
    expect(calls.seen.length).toBe(2);
  });

  test("an image that was refused for good is not asked for again", async () => {
    const calls = new Calls();
    const doGenerate = () =>
      calls.during("image", 0, () => ({
        images: [] as string[],
        isRetryable: false,
        warnings: [],
        response: { timestamp: new Date(0), modelId: "image-1", headers: undefined },
      }));
    const model = durableImageModel(imageModel(calls, { doGenerate }));
    const result = await runFake(inContext(() => generateImage({ model, prompt: "x" })));
    expect(String(errorOf(result))).toContain("No image generated");
    expect(calls.seen).toEqual(["image"]);
  });

  test("a call that takes too long is a transient failure that names the bound", async () => {
    const calls = new Calls();
    const signals: (AbortSignal | undefined)[] = [];
    const never = ({ abortSignal }: { abortSignal?: AbortSignal }): Promise<never> => {
      signals.push(abortSignal);
      return new Promise(() => {});
    };
    const model = durableEmbeddingModel(embeddingModel(calls, { doEmbed: never }), { timeout: { stepMs: 20 } });
    const result = await runFake(
      inContext(() => embed({ model, value: "x" })),
      { maxFailures: 1 },
    );
    expect(String(errorOf(result))).toContain("No complete answer within 20 ms");
    expect([...result.executions]).toEqual([["embed-1 embed 1", 2]]);
    expect(signals.map((signal) => signal?.aborted)).toEqual([true, true]);
  });

  test("the caller's signal ends the call and is recorded", async () => {
    const calls = new Calls();
    const controller = new AbortController();
    const doEmbed = (): Promise<never> => {
      calls.seen.push("embed");
      controller.abort();
      return new Promise(() => {});
    };
    const model = durableEmbeddingModel(embeddingModel(calls, { doEmbed }));
    const program = inContext(
      () => model.doEmbed({ values: ["x"], abortSignal: controller.signal }) as Promise<unknown>,
    );
    const first = await runFake(program);
    const again = await runFake(program, { journal: first.journal });
    expect(errorOf(first)).toBeInstanceOf(AbortedError);
    expect(errorOf(again)).toBeInstanceOf(AbortedError);
    expect(calls.seen).toEqual(["embed"]);
  });

  test("cancellation ends the handler, and no further call begins", async () => {
    const calls = new Calls();
    const model = durableEmbeddingModel(embeddingModel(calls));
    const result = await runFake(
      inContext(async () => {
        for (;;) await embed({ model, value: "x" });
      }),
      { cancelAt: 5 },
    );
    expect(errorOf(result)).toMatchObject({ name: "CancelledError" });
    expect(calls.seen.length).toBeLessThan(5);
  });

  test("options are checked when the model is defined", () => {
    const blobs = { store: memoryBlobStore(), aboveBytes: -1 };
    expect(() => durableImageModel(imageModel(new Calls()), { blobs })).toThrow(DefinitionError);
    const old = { specificationVersion: "v1", provider: "x", modelId: "y" } as unknown as string;
    expect(() => durableEmbeddingModel(old)).toThrow("v1");
  });
});
