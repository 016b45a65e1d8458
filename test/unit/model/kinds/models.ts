/** Models of every kind that count their calls, and a handler that calls them. */
import type {
  EmbeddingModelV4,
  ImageModelV4,
  RerankingModelV4,
  SpeechModelV4,
  TranscriptionModelV4,
} from "@ai-sdk/provider";

/** Response headers and bodies that must not be stored. */
export const RESPONSE = { headers: { "x-secret": "header-of-the-answer" }, body: "body-of-the-answer" };
const timestamp = (): Date => new Date();

/** What was asked of the models, in order. */
export class Calls {
  readonly seen: string[] = [];
  running = 0;
  highWater = 0;

  /** Takes `ms` of real time. */
  async during<T>(name: string, ms: number, answer: () => T): Promise<T> {
    this.seen.push(name);
    this.running += 1;
    this.highWater = Math.max(this.highWater, this.running);
    try {
      if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
      return answer();
    } finally {
      this.running -= 1;
    }
  }
}

/** Embeds a text as its length and a fraction that is no float32. */
export function embeddingModel(calls: Calls, own: Partial<EmbeddingModelV4> = {}): EmbeddingModelV4 {
  return {
    specificationVersion: "v4",
    provider: "test.embedding",
    modelId: "embed-1",
    maxEmbeddingsPerCall: 2,
    supportsParallelCalls: true,
    doEmbed: ({ values }) =>
      // The later the batch the faster it is: results come in another order than calls.
      calls.during(`embed ${values.join()}`, 10 - calls.seen.length, () => ({
        embeddings: values.map((value) => [value.length, 0.1 + value.length]),
        usage: { tokens: values.length },
        warnings: [{ type: "other", message: `warned of ${values.join()}` }],
        providerMetadata: { test: { cost: values.length } },
        response: RESPONSE,
      })),
    ...own,
  };
}

export function imageModel(calls: Calls, own: Partial<ImageModelV4> = {}): ImageModelV4 {
  return {
    specificationVersion: "v4",
    provider: "test.image",
    modelId: "image-1",
    maxImagesPerCall: 2,
    doGenerate: ({ prompt, n }) =>
      calls.during(`image ${prompt} ${n}`, 10 - calls.seen.length, () => ({
        images: Array.from({ length: n }, (_, index) => new Uint8Array([0x89, 0x50, n, index])),
        warnings: [],
        providerMetadata: { test: { images: Array.from({ length: n }, (_, index) => ({ index })) } },
        response: { timestamp: timestamp(), modelId: "image-1-2026", headers: RESPONSE.headers },
        usage: { inputTokens: 1, outputTokens: n, totalTokens: 1 + n },
      })),
    ...own,
  };
}

export function speechModel(calls: Calls, own: Partial<SpeechModelV4> = {}): SpeechModelV4 {
  return {
    specificationVersion: "v4",
    provider: "test.speech",
    modelId: "speech-1",
    doGenerate: ({ text }) =>
      calls.during(`speech ${text}`, 0, () => ({
        audio: new Uint8Array([1, 2, 255]),
        warnings: [],
        request: { body: "body-of-the-request" },
        response: {
          timestamp: timestamp(),
          modelId: "speech-1",
          headers: { ...RESPONSE.headers, "Content-Type": "audio/pcm" },
          body: RESPONSE.body,
        },
        providerMetadata: { test: { voice: "alloy" } },
      })),
    ...own,
  };
}

export function transcriptionModel(calls: Calls, own: Partial<TranscriptionModelV4> = {}): TranscriptionModelV4 {
  return {
    specificationVersion: "v4",
    provider: "test.transcription",
    modelId: "transcribe-1",
    doGenerate: ({ audio, mediaType }) =>
      calls.during(`transcribe ${audio.length} ${mediaType}`, 0, () => ({
        text: "hello",
        segments: [{ text: "hello", startSecond: 0, endSecond: 0.5 }],
        language: undefined,
        durationInSeconds: 0.5,
        warnings: [],
        request: { body: "body-of-the-request" },
        response: { timestamp: timestamp(), modelId: "transcribe-1", ...RESPONSE },
      })),
    ...own,
  };
}

export function rerankingModel(calls: Calls, own: Partial<RerankingModelV4> = {}): RerankingModelV4 {
  return {
    specificationVersion: "v4",
    provider: "test.reranking",
    modelId: "rerank-1",
    doRerank: ({ documents, topN = documents.values.length }) =>
      calls.during(`rerank ${documents.values.length}`, 0, () => ({
        ranking: documents.values
          .map((_, index) => ({ index, relevanceScore: index / 10 + 0.05 }))
          .toReversed()
          .slice(0, topN),
        response: { id: "rr-1", ...RESPONSE },
      })),
    ...own,
  };
}
