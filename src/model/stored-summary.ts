/** What a stored model step tells about itself, without what was said. */
import { isJsonObject, type JsonObject } from "../journal/json.ts";
import { readJson } from "../journal/stored-form.ts";
import { type FallbackNote, readNote } from "./fallback/fallback-metadata.ts";
import { unpackStep } from "./pack-step.ts";

/** Tokens of a model step, as its provider counted them. What it did not count is absent. */
export interface ModelTokens {
  readonly input?: number | undefined;
  /** Part of `input` that came from the provider's cache. */
  readonly cachedInput?: number | undefined;
  readonly output?: number | undefined;
  /** Part of `output` that was reasoning. */
  readonly reasoning?: number | undefined;
}

/** Facts of a model step. */
export interface ModelSummary {
  readonly model?: string | undefined;
  /** In the AI SDK's words, such as `stop` or `tool-calls`. */
  readonly finishReason?: string | undefined;
  /** How long the provider took, in milliseconds. */
  readonly providerMs?: number | undefined;
  readonly tokens: ModelTokens;
  /** Of a fallback model that had to: who has answered, and who failed before. */
  readonly fallback?: FallbackNote | undefined;
}

/** Reads the stored form of a model step; undefined when it is none, or of a version that is not known here. */
export function summarizeModelStep(stored: Uint8Array): ModelSummary | undefined {
  try {
    const { json } = readJson(stored);
    if (!isJsonObject(json)) return undefined;
    if (json["v"] === 2) {
      const { answer, model, ms } = unpackStep(json);
      return summary(answer, model, ms);
    }
    const response = isJsonObject(json["response"]) ? json["response"] : {};
    return json["v"] === 1 ? summary(json, response["modelId"], json["ms"]) : undefined;
  } catch {
    return undefined; // What a user's codec, or nobody's, wrote.
  }
}

function summary(answer: JsonObject, model: unknown, ms: unknown): ModelSummary {
  const reason = isJsonObject(answer["finishReason"]) ? answer["finishReason"]["unified"] : answer["finishReason"];
  const usage = isJsonObject(answer["usage"]) ? answer["usage"] : {};
  const input = isJsonObject(usage["inputTokens"]) ? usage["inputTokens"] : {};
  const output = isJsonObject(usage["outputTokens"]) ? usage["outputTokens"] : {};
  return {
    model: typeof model === "string" ? model : undefined,
    finishReason: typeof reason === "string" ? reason : undefined,
    providerMs: numberOrNone(ms),
    tokens: {
      input: numberOrNone(input["total"]),
      cachedInput: numberOrNone(input["cacheRead"]),
      output: numberOrNone(output["total"]),
      reasoning: numberOrNone(output["reasoning"]),
    },
    fallback: readNote(answer["providerMetadata"]),
  };
}

function numberOrNone(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : undefined;
}
