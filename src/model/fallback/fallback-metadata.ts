/** What a fallback model notes with its answer: who was tried before, and who has answered. */
import type { SharedV4ProviderMetadata } from "@ai-sdk/provider";
import { isJsonObject } from "../../journal/json.ts";
import type { TriedModel } from "./fallback-options.ts";
import type { NamedModel } from "./try-in-order.ts";

/** Under this name in the provider metadata. A stored form. */
const KEY = "fallback";

/** What was noted. */
export interface FallbackNote {
  /** Who has answered. */
  readonly provider: string;
  readonly modelId: string;
  /** Those who failed before, in order. */
  readonly tried: readonly TriedModel[];
}

/** The metadata of an answer, with the note when somebody failed before it. */
export function withNote(
  metadata: SharedV4ProviderMetadata | undefined,
  { provider, modelId }: NamedModel,
  tried: readonly TriedModel[],
): SharedV4ProviderMetadata | undefined {
  if (tried.length === 0) return metadata;
  const inner = readNote(metadata); // A fallback model may be one of another's.
  const note = { provider: inner?.provider ?? provider, modelId: inner?.modelId ?? modelId };
  const all = [...tried, ...(inner?.tried ?? [])].map(({ provider: of, modelId: id, code, ms }) => {
    return { provider: of, modelId: id, code, ms };
  });
  return { ...metadata, [KEY]: { ...note, tried: all } };
}

/** The note in an answer's metadata; undefined when there is none. */
export function readNote(metadata: unknown): FallbackNote | undefined {
  const note = isJsonObject(metadata) ? metadata[KEY] : undefined;
  if (!isJsonObject(note)) return undefined;
  const { provider, modelId, tried } = note;
  if (typeof provider !== "string" || typeof modelId !== "string" || !Array.isArray(tried)) return undefined;
  return { provider, modelId, tried: tried.filter(isTried) };
}

function isTried(item: unknown): item is TriedModel {
  if (!isJsonObject(item)) return false;
  const { provider, modelId, code, ms } = item;
  return [provider, modelId, code].every((text) => typeof text === "string") && typeof ms === "number";
}
