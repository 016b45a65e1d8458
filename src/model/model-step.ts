/** The stored form of a model step (G7): what replay and the next prompt need, and nothing else. */
import type { LanguageModelV4Content, LanguageModelV4GenerateResult } from "@ai-sdk/provider";
import { isJsonObject, type JsonObject } from "../journal/json.ts";
import { type PlainCodec, plainCodec, type StoredForm } from "../journal/stored-form.ts";
import { packStep, type StepJson, unpackStep } from "./pack-step.ts";

/** A model's answer without request, response body and headers. Id, timestamp and model are always there. */
export interface ModelStep {
  readonly content: readonly LanguageModelV4Content[];
  readonly structuredOutputText?: string;
  readonly finishReason: LanguageModelV4GenerateResult["finishReason"];
  readonly usage: LanguageModelV4GenerateResult["usage"];
  readonly warnings: LanguageModelV4GenerateResult["warnings"];
  readonly providerMetadata?: NonNullable<LanguageModelV4GenerateResult["providerMetadata"]>;
  readonly response: { readonly id: string; readonly timestamp: Date; readonly modelId: string };
  /** How long the provider took, in milliseconds. */
  readonly ms: number;
  /** When the call began, in milliseconds since 1970; only with telemetry, which tells from it when its run began. */
  readonly startedMs?: number;
  /** The span that the run belongs to which began with this step; only with telemetry. */
  readonly runParentSpanId?: string;
}

/**
 * The layout of a model step: version 2 (pack-step.ts), or version 1, which is the step as it is, where an answer is so
 * unusual that version 2 would change it. Both stay readable.
 */
export const modelStepForm: StoredForm<ModelStep> = {
  pack: (step, tag) => {
    const { content, structuredOutputText, finishReason, usage, warnings, providerMetadata, response, ms } = step;
    const answer = {
      content,
      structuredOutputText,
      finishReason,
      usage,
      warnings: warnings.length === 0 ? undefined : warnings,
      providerMetadata,
      started: step.startedMs,
      span: step.runParentSpanId,
    };
    const json = tag({ ...answer, response, ms }) as JsonObject;
    const usual = stepJson(json);
    return (usual === undefined ? undefined : packStep(usual)) ?? { v: 1, ...json };
  },
  unpack: (json, untag) => {
    const version = isJsonObject(json) ? json["v"] : undefined;
    if (!isJsonObject(json) || (version !== 1 && version !== 2)) throw unknownVersion(version);
    if (version === 1) {
      const { v: _, started, span, ...step } = json;
      return { warnings: [], ...(untag(step) as object), ...runFields(started, span) } as unknown as ModelStep;
    }
    const { answer, id, at, model, ms } = unpackStep(json);
    const { started, span, ...rest } = answer;
    const response: ModelStep["response"] = { id, timestamp: new Date(at), modelId: model };
    const own = { response, ms, ...runFields(started, span) };
    return { warnings: [], ...(untag(rest) as object), ...own } as unknown as ModelStep;
  },
};

/** What telemetry has added: absent without it. Versions that do not know it pass it by. */
function runFields(started: unknown, span: unknown): Pick<ModelStep, "startedMs" | "runParentSpanId"> {
  return {
    ...(typeof started === "number" ? { startedMs: started } : {}),
    ...(typeof span === "string" ? { runParentSpanId: span } : {}),
  };
}

/** Writes and reads the stored form. */
export const modelStepCodec: PlainCodec<ModelStep> = plainCodec(modelStepForm);

/** A step of usual form: an id, a date, a model, and no more about the response. */
function stepJson({ response, ms, ...answer }: JsonObject): StepJson | undefined {
  if (!isJsonObject(response) || typeof ms !== "number") return undefined;
  const { id, timestamp, modelId, ...rest } = response;
  const date = isJsonObject(timestamp) ? timestamp["$date"] : undefined;
  const isUsual = typeof id === "string" && typeof modelId === "string" && Object.keys(rest).length === 0;
  return isUsual && typeof date === "string" ? { answer, id, at: Date.parse(date), model: modelId, ms } : undefined;
}

function unknownVersion(version: unknown): Error {
  return new Error(
    `Cannot read a model step of version ${String(version)}: it was written by a newer version of restate-edge-agents; deploy that version again`,
  );
}
