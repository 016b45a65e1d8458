import { APICallError } from "@ai-sdk/provider";
import { embed, embedMany } from "ai";
import { expect, test } from "vitest";
import {
  DefinitionError,
  durableEmbeddingModel,
  fallbackEmbeddingModel,
  FallbackFailedError,
} from "../../../../src/index.ts";
import { runFake } from "../../../../src/testing/in-memory.ts";
import { errorOf, fail, inContext } from "../kinds/in-context.ts";
import { Calls, embeddingModel } from "../kinds/models.ts";

const refusal = (statusCode: number): APICallError =>
  new APICallError({ message: "scripted", url: "https://a.test", requestBodyValues: {}, statusCode });

test("the next provider is asked inside the same step; batches fit both", async () => {
  const calls = new Calls();
  const broken = embeddingModel(calls, {
    provider: "one.embedding",
    maxEmbeddingsPerCall: 3,
    doEmbed: ({ values }) => calls.during(`refused ${values.length}`, 0, () => fail(refusal(429))),
  });
  const model = durableEmbeddingModel(fallbackEmbeddingModel([broken, embeddingModel(calls)]));
  const { outcome, journal } = await runFake(
    inContext(async () => {
      const { embeddings, providerMetadata } = await embedMany({ model, values: ["a", "bb", "ccc"] });
      return [embeddings.map(([length]) => length), providerMetadata?.["fallback"]];
    }),
  );
  expect(outcome).toMatchObject({
    ok: true,
    value: [
      [1, 2, 3],
      { provider: "test.embedding", tried: [{ provider: "one.embedding", modelId: "embed-1", code: "429" }] },
    ],
  });
  expect(journal.commands).toEqual(["run embed-1 embed 1", "run embed-1 embed 2"]);
  expect(calls.seen.toSorted()).toEqual(["embed a,bb", "embed ccc", "refused 1", "refused 2"]);
});

test.each([false, Promise.resolve(false)])(
  "calls are parallel only if all providers allow it",
  async (supportsParallelCalls) => {
    const calls = new Calls();
    const serial = embeddingModel(calls, { supportsParallelCalls, maxEmbeddingsPerCall: undefined });
    const model = fallbackEmbeddingModel([embeddingModel(calls, { maxEmbeddingsPerCall: 1 }), serial]);
    await embedMany({ model, values: ["a", "b", "c"] });
    expect([calls.highWater, calls.seen.length]).toEqual([1, 3]);
    const free = fallbackEmbeddingModel([embeddingModel(calls, { maxEmbeddingsPerCall: undefined })]);
    expect(await free.maxEmbeddingsPerCall).toBeUndefined();
  },
);

test("all refused for good ends the step with an error that names each", async () => {
  const broken = embeddingModel(new Calls(), { doEmbed: () => fail(refusal(401)) });
  const model = durableEmbeddingModel(fallbackEmbeddingModel([broken, broken]));
  const result = await runFake(inContext(() => embed({ model, value: "x" })));
  expect(errorOf(result)).toBeInstanceOf(FallbackFailedError);
  expect(() => fallbackEmbeddingModel([])).toThrow(DefinitionError);
});
