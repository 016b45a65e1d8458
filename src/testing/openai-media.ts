/**
 * The other endpoints of OpenAI's protocol: embeddings, images, speech, transcription. Source: OpenAI's API reference.
 * What a reply does not say has a default that depends on the request alone.
 */
import type { ScriptedReply } from "./scripted-reply.ts";

type Json = Readonly<Record<string, unknown>>;

/** Paths that are answered, below the base URL. */
export const MEDIA_PATHS = ["/embeddings", "/images/generations", "/audio/speech", "/audio/transcriptions"] as const;
export type MediaPath = (typeof MEDIA_PATHS)[number];

/** A body and its type. */
export interface MediaAnswer {
  readonly type: string;
  readonly body: Uint8Array | string;
}

/** What the server answers to a request of one of these endpoints. */
export function mediaAnswer(path: MediaPath, request: Json, reply: ScriptedReply): MediaAnswer {
  switch (path) {
    case "/embeddings":
      return json(embeddingsAnswer(request, reply));
    case "/images/generations":
      return json(imagesAnswer(request, reply));
    case "/audio/speech":
      return { type: "audio/mpeg", body: reply.bytes ?? AUDIO };
    case "/audio/transcriptions":
      return json({ text: reply.text ?? "scripted transcript", language: "english", duration: 1.5 });
  }
}

/** Numbers of a text's embedding when the script says none. */
export const EMBEDDING_DIMENSIONS = 64;

/**
 * An embedding that tells which words a text has: the more words two texts share, the closer they are. As providers do, it is
 * of length 1 and written as the shortest decimals of float32.
 */
export function wordEmbedding(text: string, dimensions: number = EMBEDDING_DIMENSIONS): number[] {
  const vector = Array.from({ length: dimensions }, () => 0);
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]{3,}/gu) ?? []) {
    const at = hashOf(word) % dimensions;
    vector[at] = (vector[at] ?? 0) + 1;
  }
  const length = Math.hypot(...vector) || 1;
  return vector.map((item) => shortest(item / length));
}

function embeddingsAnswer({ input, model, dimensions }: Json, reply: ScriptedReply): Json {
  const values = Array.isArray(input) ? input.map(String) : [String(input)];
  const size = typeof dimensions === "number" ? dimensions : EMBEDDING_DIMENSIONS;
  const vectors = reply.embeddings ?? values.map((value) => wordEmbedding(value, size));
  const tokens = reply.usage?.inputTokens ?? values.join(" ").split(/\s+/).length;
  return {
    object: "list",
    model,
    data: vectors.map((embedding, index) => ({ object: "embedding", index, embedding })),
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}

function imagesAnswer({ n }: Json, reply: ScriptedReply): Json {
  const count = typeof n === "number" ? n : 1;
  const image = Buffer.from(reply.bytes ?? PIXEL).toString("base64");
  const { inputTokens = 10, outputTokens = 5 } = reply.usage ?? {};
  return {
    created: 1_760_000_000,
    data: Array.from({ length: count }, () => ({ b64_json: image })),
    usage: { input_tokens: inputTokens, output_tokens: outputTokens, total_tokens: inputTokens + outputTokens },
  };
}

function json(body: Json): MediaAnswer {
  return { type: "application/json", body: JSON.stringify(body) };
}

/** FNV-1a. */
function hashOf(word: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(word)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

function shortest(item: number): number {
  const float32 = Math.fround(item);
  for (let digits = 1; digits < 9; digits += 1) {
    const decimal = Number(float32.toPrecision(digits));
    if (Math.fround(decimal) === float32) return decimal;
  }
  return Number(float32.toPrecision(9));
}

/** A PNG of one pixel. */
const PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

/** The beginning of an MP3 file with an ID3 tag. */
const AUDIO = Uint8Array.from([0x49, 0x44, 0x33, 4, 0, 0, 0, 0, 0, 0, 0xff, 0xfb, 0x90, 0]);
