/** A model step as chunks: live, from the journal, and as the AI SDK makes them. */
import type { LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { isStepCount, streamText, type UIMessage, type UIMessageChunk } from "ai";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { StreamCollector } from "../../../src/model/collect-stream.ts";
import { modelStepCodec } from "../../../src/model/model-step.ts";
import { chunkDigest } from "../../../src/stream/chunk-digest.ts";
import { StepChunks, storedChunks } from "../../../src/stream/step-chunks.ts";
import { propertyRuns, seedOf } from "../../thorough.ts";
import { fold } from "./fold.ts";
import { interleaved, ordered, TOOLS } from "./provider-streams.ts";

type Parts = readonly LanguageModelV4StreamPart[];

const place = { segment: 1, tools: TOOLS };
const BEGIN: readonly UIMessageChunk[] = [{ type: "start", messageId: "m" }, { type: "start-step" }];
const numRuns = propertyRuns(3_000, 60);

async function live(parts: Parts): Promise<readonly UIMessageChunk[]> {
  const step = new StepChunks(place);
  const chunks: UIMessageChunk[] = [];
  for (const part of parts) chunks.push(...(await step.part(part)));
  return [...BEGIN, ...chunks, ...step.end()];
}

/** From what the journal gives back. */
async function stored(parts: Parts): Promise<readonly UIMessageChunk[]> {
  const collector = new StreamCollector();
  for (const part of parts) collector.add(part);
  const { providerMetadata: _, ...collected } = collector.result();
  const step = { ...collected, response: { id: "r", timestamp: new Date(0), modelId: "m" }, ms: 1 };
  const { content } = modelStepCodec.decode(modelStepCodec.encode(step));
  return [...BEGIN, ...(await storedChunks(content, place))];
}

/** What `streamText` makes of the same stream. */
async function oracle(parts: Parts): Promise<UIMessageChunk[]> {
  const made = streamText({
    model: {
      specificationVersion: "v4",
      provider: "p",
      modelId: "m",
      supportedUrls: {},
      doGenerate: () => Promise.reject(new Error("It is streamed")),
      doStream: async () => ({ stream: streamOf(parts) }),
    },
    prompt: "go",
    tools: TOOLS,
    stopWhen: isStepCount(1),
    maxRetries: 0,
    onError: () => {},
  });
  const chunks: UIMessageChunk[] = [];
  const stream = made.toUIMessageStream({ sendSources: true, generateMessageId: () => "m" });
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

function streamOf(parts: Parts): ReadableStream<LanguageModelV4StreamPart> {
  return new ReadableStream({
    start(controller) {
      for (const part of parts) controller.enqueue(part);
      controller.close();
    },
  });
}

/**
 * Providers' ids of reasoning are not stored, a block that was never closed is closed, and a call that the AI SDK does not
 * take has its tool's title, too, when its input did not come in pieces.
 */
function comparable(message: unknown): unknown {
  const { parts } = message as UIMessage;
  return parts.map((part) => {
    if (part.type === "reasoning") return { ...part, id: "", state: "done" };
    if ("toolCallId" in part && part.state === "output-error") return { ...part, title: "" };
    return part.type === "text" ? { ...part, state: "done" } : part;
  });
}

const settings = (name: string) => ({ numRuns, seed: seedOf(name) });

describe("a model step's chunks", () => {
  test("say the same live and from the journal", async () => {
    const property = fc.asyncProperty(ordered, async (parts) => {
      const [now, later] = [await live(parts), await stored(parts)];
      expect(await fold(now)).toEqual(await fold(later));
      expect(chunkDigest(now)).toBe(chunkDigest(later));
    });
    await fc.assert(property, settings("ordered"));
  });

  test("have the same digest when, and only when, they say the same", async () => {
    const property = fc.asyncProperty(interleaved, async (parts) => {
      const [now, later] = [await live(parts), await stored(parts)];
      const isSame = JSON.stringify(await fold(now)) === JSON.stringify(await fold(later));
      expect(chunkDigest(now) === chunkDigest(later)).toBe(isSame);
    });
    await fc.assert(property, settings("interleaved"));
  });

  test("say what those of the AI SDK say", async () => {
    const property = fc.asyncProperty(fc.oneof(ordered, interleaved), async (parts) => {
      expect(comparable(await fold(await live(parts)))).toEqual(comparable(await fold(await oracle(parts))));
    });
    await fc.assert(property, settings("oracle"));
  });
});
