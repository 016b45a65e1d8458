/**
 * The stored form of a call for embeddings: the vectors as bytes (pack-floats.ts), the rest as JSON.
 *
 * `{"v":1,"count":2,"dimensions":1536,"floats":"f32","bytes":{"$bytes":"…"},"tokens":12}`
 */
import type { EmbeddingModelV4Result } from "@ai-sdk/provider";
import type { JsonObject } from "../../journal/json.ts";
import type { StoredForm } from "../../journal/stored-form.ts";
import { FLOAT_LAYOUTS, packFloats, unpackFloats } from "./pack-floats.ts";
import { versionOne } from "./versioned-form.ts";

/** What is stored of an answer. */
export type EmbeddingResult = Omit<EmbeddingModelV4Result, "response">;

const WHAT = "call for embeddings";

/** Writes and reads the stored form. */
export const embeddingForm: StoredForm<EmbeddingResult> = {
  pack: ({ embeddings, usage, warnings, providerMetadata }, tag) => {
    const packed = packFloats(embeddings);
    const { layout, count, dimensions, bytes } = packed ?? {};
    const json = tag({
      embeddings: packed === undefined ? embeddings : undefined,
      count,
      dimensions,
      floats: layout,
      bytes,
      tokens: usage?.tokens,
      warnings: isEmpty(warnings) ? undefined : warnings,
      providerMetadata,
    });
    return { v: 1, ...(json as JsonObject) };
  },
  unpack: (json, untag) => {
    const { v: _, ...stored } = versionOne(json, WHAT);
    const { embeddings, count, dimensions, floats, bytes, tokens, ...rest } = untag(stored) as JsonObject;
    return {
      warnings: [],
      ...rest,
      embeddings: bytes === undefined ? embeddings : unpacked({ count, dimensions, floats, bytes }),
      ...(tokens === undefined ? {} : { usage: { tokens } }),
    } as unknown as EmbeddingResult;
  },
};

/** Models of older specifications have none at all. */
function isEmpty(warnings: EmbeddingResult["warnings"] | undefined): boolean {
  return warnings === undefined || warnings.length === 0;
}

function unpacked({ count, dimensions, floats, bytes }: JsonObject): unknown {
  // While blobs are looked for, a reference stands in their place.
  if (!(bytes instanceof Uint8Array)) return bytes;
  const layout = FLOAT_LAYOUTS.find((known) => known === floats);
  if (layout === undefined || typeof count !== "number" || typeof dimensions !== "number") {
    throw new Error(
      `Cannot read a stored ${WHAT}: its numbers are laid out as "${String(floats)}", which a newer version of restate-edge-agents wrote`,
    );
  }
  return unpackFloats({ layout, count, dimensions, bytes });
}
