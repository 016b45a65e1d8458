/** Spans of models that are no language models. */
import { embed, generateImage, rerank } from "ai";
import { expect, test } from "vitest";
import { durableEmbeddingModel, durableImageModel, durableRerankingModel } from "../../../../src/index.ts";
import { runFake } from "../../../../src/testing/run-fake.ts";
import { RecordedSpans } from "../../telemetry/recorded-spans.ts";
import { fail, inContext } from "./in-context.ts";
import { Calls, embeddingModel, imageModel, rerankingModel } from "./models.ts";

function program(broken: number): () => Promise<void> {
  const calls = new Calls();
  let left = broken;
  const inner = embeddingModel(calls);
  const doEmbed: typeof inner.doEmbed = (parameters) =>
    left-- > 0 ? fail(new Error("connection reset")) : inner.doEmbed(parameters);
  const embedding = durableEmbeddingModel({ ...inner, doEmbed });
  const image = durableImageModel(imageModel(calls));
  const reranking = durableRerankingModel(rerankingModel(calls));
  return async () => {
    await embed({ model: embedding, value: "secret" });
    await generateImage({ model: image, prompt: "secret" });
    await rerank({ model: reranking, query: "secret", documents: ["secret"] });
  };
}

test("each call has one span, of the attempt that made it, without content", async () => {
  const recorded = new RecordedSpans();
  const work = program(0);
  const { journal } = await recorded.during(() => runFake(inContext(work)));
  expect(recorded.counts).toEqual({
    "embeddings embed-1 [embed-1 embed 1]": 1,
    "generate_content image-1 [image-1 image 1]": 1,
    "rerank rerank-1 [rerank-1 rerank 1]": 1,
  });
  expect(recorded.named("embeddings embed-1")[0]?.attributes).toMatchObject({
    "gen_ai.operation.name": "embeddings",
    "gen_ai.provider.name": "test",
    "gen_ai.request.model": "embed-1",
    "gen_ai.usage.input_tokens": 1,
    "gen_ai.embeddings.dimension.count": 2,
  });
  expect(recorded.named("generate_content image-1")[0]?.attributes).toMatchObject({
    "gen_ai.output.type": "image",
    "gen_ai.response.model": "image-1-2026",
    "gen_ai.usage.output_tokens": 1,
  });
  expect(JSON.stringify(recorded.spans)).not.toContain("secret");
  await recorded.during(() => runFake(inContext(work), { journal }));
  expect(recorded.spans.length).toBe(3);
});

test("a failed call has a span of its own, with what was wrong", async () => {
  const recorded = new RecordedSpans();
  await recorded.during(() => runFake(inContext(program(1))));
  const [first, second] = recorded.named("embeddings embed-1");
  expect(first?.error?.message).toContain("test.embedding embed-1: connection reset");
  expect(second?.error).toBeUndefined();
  expect(first?.spanId).not.toBe(second?.spanId);
});
