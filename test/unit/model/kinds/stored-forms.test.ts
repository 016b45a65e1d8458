/** Stored forms are a contract: runs in flight replay against them. A red test means a deliberate change. */
import { embedMany, generateImage, generateSpeech, rerank, transcribe } from "ai";
import { expect, test } from "vitest";
import {
  durableEmbeddingModel,
  durableImageModel,
  durableRerankingModel,
  durableSpeechModel,
  durableTranscriptionModel,
} from "../../../../src/index.ts";
import { runFake } from "../../../../src/testing/in-memory.ts";
import { AUDIO, inContext } from "./in-context.ts";
import { Calls, embeddingModel, imageModel, rerankingModel, speechModel, transcriptionModel } from "./models.ts";

/** What the one step of `work` stored, with the time of the answer as 0. */
async function stored(work: () => Promise<unknown>): Promise<string> {
  const { outcome, journal } = await runFake(inContext(async () => void (await work())));
  if (!outcome.ok) throw outcome.error;
  const [entry] = journal.completions;
  const bytes = entry?.outcome.ok === true ? entry.outcome.bytes : new Uint8Array();
  return new TextDecoder().decode(bytes).replaceAll(/"\$date":"[^"]+"/g, '"$date":0');
}

const vectors = (one: number[], two: number[]) =>
  embeddingModel(new Calls(), {
    doEmbed: async () => ({ embeddings: [one, two], usage: { tokens: 3 }, warnings: [] }),
  });

test.each([
  [
    "float32",
    [
      [0.5, -1],
      [0.25, 2],
    ],
    '{"v":1,"count":2,"dimensions":2,"floats":"f32","bytes":{"$bytes":"AAAAPwAAgL8AAIA+AAAAQA=="},"tokens":3}',
  ],
  [
    "shortest decimals",
    [
      [0.0023064255, -0.1],
      [0.3, 7],
    ],
    '{"v":1,"count":2,"dimensions":2,"floats":"f32-decimal","bytes":{"$bytes":"ZicXO83MzL2amZk+AADgQA=="},"tokens":3}',
  ],
  [
    "float64",
    [
      [0.1234567890123, 1],
      [1, 1],
    ],
    '{"v":1,"count":2,"dimensions":2,"floats":"f64","bytes":{"$bytes":"hOlGN92avz8AAAAAAADwPwAAAAAAAPA/AAAAAAAA8D8="},"tokens":3}',
  ],
  ["several lengths", [[0.5], [1, 2]], '{"v":1,"embeddings":[[0.5],[1,2]],"tokens":3}'],
])("embeddings: %s", async (_, [one = [], two = []], form) => {
  const model = durableEmbeddingModel(vectors(one, two));
  expect(await stored(() => embedMany({ model, values: ["a", "b"] }))).toBe(form);
});

test("images, speech, transcripts, rankings", async () => {
  const calls = new Calls();
  const image = durableImageModel(imageModel(calls));
  expect(await stored(() => generateImage({ model: image, prompt: "x" }))).toBe(
    '{"v":1,"images":[{"$bytes":"iVABAA=="}],"providerMetadata":{"test":{"images":[{"index":0}]}},' +
      '"response":{"timestamp":{"$date":0},"modelId":"image-1-2026"},"usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2}}',
  );
  const speech = durableSpeechModel(speechModel(calls));
  expect(await stored(() => generateSpeech({ model: speech, text: "x" }))).toBe(
    '{"v":1,"audio":{"$bytes":"AQL/"},"providerMetadata":{"test":{"voice":"alloy"}},' +
      '"response":{"timestamp":{"$date":0},"modelId":"speech-1","headers":{"content-type":"audio/pcm"}}}',
  );
  const transcription = durableTranscriptionModel(transcriptionModel(calls));
  expect(await stored(() => transcribe({ model: transcription, audio: AUDIO }))).toBe(
    '{"v":1,"text":"hello","segments":[{"text":"hello","startSecond":0,"endSecond":0.5}],"durationInSeconds":0.5,' +
      '"response":{"timestamp":{"$date":0},"modelId":"transcribe-1"}}',
  );
  const reranking = durableRerankingModel(rerankingModel(calls));
  expect(await stored(() => rerank({ model: reranking, query: "q", documents: ["x", "y"] }))).toBe(
    '{"v":1,"response":{"id":"rr-1","timestamp":{"$date":0},"modelId":"rerank-1"},"ranking":[[1,0.15000000000000002],[0,0.05]]}',
  );
});

test("what a newer version wrote says so", async () => {
  const model = durableSpeechModel(speechModel(new Calls()));
  const program = inContext(async () => (await generateSpeech({ model, text: "x" })).audio.base64);
  const { journal } = await runFake(program);
  for (const event of journal.events) {
    if (event.type !== "completion" || event.outcome.ok !== true) continue;
    const newer = new TextDecoder().decode(event.outcome.bytes).replace('"v":1', '"v":9');
    event.outcome.bytes.set(new TextEncoder().encode(newer));
  }
  const { outcome } = await runFake(program, { journal, maxFailures: 0 });
  expect(String(!outcome.ok && outcome.error)).toContain("stored speech call of version 9");
});
