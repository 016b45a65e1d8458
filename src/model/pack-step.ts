/** Version 2 of a stored model step: nothing twice, nothing that follows from the rest; see DESIGN.md. */
import { isJsonObject, type JsonObject, sameJson } from "../journal/json.ts";
import { onlyKey, packMetadata, packPart, unpackPart } from "./pack-content.ts";
import { packUsage, unpackUsage } from "./pack-usage.ts";

/** A step as JSON, with dates and bytes tagged, and nothing left out. */
export interface StepJson {
  /** What the provider answered. */
  readonly answer: JsonObject;
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly model: string;
  readonly ms: number;
}

/** The compact form, or undefined when it would not give back exactly `step`. */
export function packStep(step: StepJson): JsonObject | undefined {
  const { answer, id, at, model, ms } = step;
  const { content, finishReason, usage, warnings, providerMetadata, ...rest } = answer;
  if (!Array.isArray(content)) return undefined;
  const provider = providerOf(providerMetadata, content);
  const packed = {
    v: 2,
    content: content.map((part) => packPart(part, provider)),
    ...rest,
    finish: packFinishReason(finishReason),
    usage: packUsage(usage),
    ...(warnings === undefined ? {} : { warnings }),
    ...(provider === undefined ? {} : { provider }),
    ...packAnswerMetadata(providerMetadata, provider, id),
    at,
    model,
    ms,
  };
  return sameJson(unpackStep(packed), step) ? packed : undefined;
}

/** The step that was packed. */
export function unpackStep(packed: JsonObject): StepJson {
  const { v: _, content, finish, usage, provider: name, meta, responseId, id, at, model, ms, ...rest } = packed;
  const provider = typeof name === "string" ? name : undefined;
  const own = responseId === undefined ? meta : { responseId, ...(meta as JsonObject | undefined) };
  return {
    answer: {
      content: (content as unknown[]).map((part) => unpackPart(part, provider)),
      finishReason: unpackFinishReason(finish),
      usage: unpackUsage(usage),
      ...rest,
      ...(own === undefined ? {} : { providerMetadata: { [String(provider)]: own } }),
    },
    id: (responseId ?? id) as string,
    at: at as number,
    model: model as string,
    ms: ms as number,
  };
}

/** The one provider whose name is stored once for all metadata. */
function providerOf(metadata: unknown, content: readonly unknown[]): string | undefined {
  const first = content.find(
    (part): part is JsonObject => isJsonObject(part) && isJsonObject(part["providerMetadata"]),
  );
  return onlyKey(metadata) ?? onlyKey(first?.["providerMetadata"]);
}

/** OpenAI repeats the response's id in its metadata: `responseId` then stands for both. */
function packAnswerMetadata(metadata: unknown, provider: string | undefined, id: string): JsonObject {
  const packed = packMetadata(metadata, provider);
  const { meta } = packed;
  if (!isJsonObject(meta) || meta["responseId"] !== id) return { id, ...packed };
  const { responseId, ...others } = meta;
  return { responseId, ...(Object.keys(others).length === 0 ? {} : { meta: others }) };
}

/** `stop`, or `stop/end_turn` when the provider has a word of its own. */
function packFinishReason(reason: unknown): unknown {
  if (!isJsonObject(reason)) return reason;
  const { unified, raw, ...rest } = reason;
  if (typeof unified !== "string" || Object.keys(rest).length > 0) return reason;
  if (raw === undefined) return unified;
  return typeof raw === "string" ? `${unified}/${raw}` : reason;
}

function unpackFinishReason(packed: unknown): unknown {
  if (typeof packed !== "string") return packed;
  const slash = packed.indexOf("/");
  return slash === -1 ? { unified: packed } : { unified: packed.slice(0, slash), raw: packed.slice(slash + 1) };
}
