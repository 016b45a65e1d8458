import type { LanguageModelV4 } from "@ai-sdk/provider";
import { gateway, type LanguageModel, UnsupportedModelVersionError, wrapLanguageModel } from "ai";

const VERSIONS: ReadonlySet<string> = new Set(["v2", "v3", "v4"]);

/** As the AI SDK resolves models: ids through the default provider, older specifications lifted to version 4. */
export function resolveModel(model: LanguageModel): LanguageModelV4 {
  const resolved =
    typeof model === "string" ? (globalThis.AI_SDK_DEFAULT_PROVIDER ?? gateway).languageModel(model) : model;
  const { specificationVersion: version, provider, modelId } = resolved;
  if (!VERSIONS.has(version)) throw new UnsupportedModelVersionError({ version, provider, modelId });
  return wrapLanguageModel({ model: resolved, middleware: {} });
}
