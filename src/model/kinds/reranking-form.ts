/** The stored form of a reranking call: `{"v":1,"ranking":[[2,0.98],[0,0.41]],…}`. */
import type { RerankingModelV4Result } from "@ai-sdk/provider";
import type { JsonObject } from "../../journal/json.ts";
import type { StoredForm } from "../../journal/stored-form.ts";
import { versionedForm } from "./versioned-form.ts";

interface Stored {
  readonly ranking: readonly (readonly [index: number, relevanceScore: number])[];
}

const form: StoredForm<Stored> = versionedForm<Stored>("reranking call");

/** Writes and reads the stored form. */
export const rerankingForm: StoredForm<RerankingModelV4Result> = {
  pack: ({ ranking, ...result }, tag) =>
    form.pack({ ...result, ranking: ranking.map(({ index, relevanceScore }) => [index, relevanceScore]) }, tag),
  unpack: (json, untag) => {
    const { ranking, ...rest } = form.unpack(json, untag) as Stored & JsonObject;
    return { ...rest, ranking: ranking.map(([index, relevanceScore]) => ({ index, relevanceScore })) };
  },
};
