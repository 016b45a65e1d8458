/** The other endpoints of the scripted server against the real client. */
import { createOpenAI } from "@ai-sdk/openai";
import { APICallError, embedMany, generateImage, generateSpeech, transcribe } from "ai";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type MediaScript, type ScriptedOpenAI, startScriptedOpenAI } from "../../../src/testing/index.ts";

let openai: ScriptedOpenAI;
let script: MediaScript;
beforeEach(async () => {
  script = () => ({});
  openai = await startScriptedOpenAI([], { media: (request, n) => script(request, n) });
});
afterEach(() => openai.close());

const provider = () => createOpenAI({ baseURL: openai.baseURL, apiKey: "test" });

test("embeddings of texts that share words are close, and the same each time", async () => {
  const model = provider().embeddingModel("text-embedding-3-small");
  const values = ["The cat sleeps", "A cat that sleeps", "Our dog barked"];
  const { embeddings, usage } = await embedMany({ model, values, maxRetries: 0 });
  const again = await embedMany({ model, values, maxRetries: 0 });
  expect(again.embeddings).toEqual(embeddings);
  const [one = [], two = [], three = []] = embeddings;
  const product = (a: number[], b: number[]): number => a.reduce((sum, item, at) => sum + item * (b[at] ?? 0), 0);
  expect(product(one, two)).toBeGreaterThan(0.6);
  expect(product(one, three)).toBeLessThan(0.4);
  expect(product(one, one)).toBeCloseTo(1, 5);
  expect(usage.tokens).toBe(10);
  expect(openai.count).toBe(0);
  expect(openai.mediaRequests.map(({ path }) => path)).toEqual(["/embeddings", "/embeddings"]);
});

test("images, speech and transcripts have defaults, and are what the script says", async () => {
  const image = provider().image("gpt-image-1");
  const speech = provider().speech("gpt-4o-mini-tts");
  const transcription = provider().transcription("whisper-1");
  const audio = new Uint8Array([82, 73, 70, 70]);
  const call = async () => ({
    images: (await generateImage({ model: image, prompt: "a cat", n: 2, maxRetries: 0 })).images.map(
      (each) => each.mediaType,
    ),
    speech: (await generateSpeech({ model: speech, text: "hello", maxRetries: 0 })).audio.uint8Array.length,
    text: (await transcribe({ model: transcription, audio, maxRetries: 0 })).text,
  });
  expect(await call()).toEqual({ images: ["image/png", "image/png"], speech: 14, text: "scripted transcript" });
  script = ({ path }) =>
    path === "/audio/transcriptions" ? { text: "hi" } : { bytes: new Uint8Array([255, 216, 255]) };
  expect(await call()).toEqual({ images: ["image/jpeg", "image/jpeg"], speech: 3, text: "hi" });
});

test.each([
  ["an error", { error: { status: 503 } }, "scripted 503"],
  ["a body that does not parse", { malformed: true }, "Invalid JSON"],
  ["a cut connection", { cutAfter: 0 }, "Cannot connect"],
  ["a cut body", { cutAfter: 1 }, ""],
])("it breaks as the script says: %s", async (_, reply, message) => {
  script = () => reply;
  const model = provider().embeddingModel("text-embedding-3-small");
  const error: unknown = await embedMany({ model, values: ["x"], maxRetries: 0 }).catch((thrown: unknown) => thrown);
  expect(APICallError.isInstance(error)).toBe(true);
  expect(String(error)).toContain(message);
  expect(openai.mediaRequests.map(({ aborted }) => aborted)).toEqual([false]);
});
