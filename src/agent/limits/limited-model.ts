import type { LanguageModelV4 } from "@ai-sdk/provider";
import type { Place } from "../../journal/ambient.ts";
import { type LimitUse, withPermitsAt } from "./permit.ts";

/** A journaled model each of whose calls holds a permit of every limit. */
export function limitedModel(model: LanguageModelV4, place: Place, limits: readonly LimitUse[]): LanguageModelV4 {
  if (limits.length === 0) return model;
  const { provider, modelId, supportedUrls } = model;
  return {
    specificationVersion: "v4",
    provider,
    modelId,
    supportedUrls,
    doGenerate: (parameters) => withPermitsAt(place, limits, () => model.doGenerate(parameters)),
    doStream: (parameters) => withPermitsAt(place, limits, () => model.doStream(parameters)),
  };
}
