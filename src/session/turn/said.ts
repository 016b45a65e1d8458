/**
 * What a model had said when its turn was cancelled. Its step never ended, so the journal has nothing of it; but readers
 * have seen it, and the stream's store has it.
 */
import type { LanguageModelV4Content } from "@ai-sdk/provider";
import type { StreamStore } from "../../stream/stream-store.ts";

type Said = Extract<LanguageModelV4Content, { type: "text" | "reasoning" }>;

/**
 * Text and reasoning of a segment that is not complete, as its readers have seen it. Called inside a step.
 *
 * @param segment From 1; it is part of its blocks' ids.
 */
export async function saidIn(
  store: StreamStore,
  stream: string,
  segment: number,
  signal: AbortSignal,
): Promise<readonly Said[]> {
  const blocks = new Map<string, Said>();
  for (let after = 0; ;) {
    const { entries, ended } = await store.read(stream, { after, waitMs: 0, signal });
    for (const { chunk } of entries) {
      // The step began anew.
      if (chunk.type === "reset-step") blocks.clear();
      if (!("id" in chunk) || chunk.id?.startsWith(`${segment}.`) !== true) continue;
      const { id } = chunk;
      if (chunk.type === "text-start") blocks.set(id, { type: "text", text: "" });
      if (chunk.type === "reasoning-start") blocks.set(id, { type: "reasoning", text: "" });
      const said = blocks.get(id);
      if (said === undefined) continue;
      if ("delta" in chunk) said.text += chunk.delta;
      if ("providerMetadata" in chunk && chunk.providerMetadata !== undefined)
        said.providerMetadata = chunk.providerMetadata;
    }
    const last = entries.at(-1);
    if (last === undefined || ended) break;
    after = last.offset;
  }
  return [...blocks.values()].filter(({ text }) => text !== "");
}
