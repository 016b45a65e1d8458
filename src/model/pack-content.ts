/**
 * The parts of a model's answer as they are stored:
 *
 * - `{"text":"…"}`, `{"reasoning":"…"}`
 * - `{"call":"<tool call id>","tool":"<name>","args":{…}}`; the input as text in `input` when `args` would not give the
 *   same text again
 * - any other part as it is, with its `type`
 *
 * Metadata of the step's provider is in `meta`, without the provider's name.
 */
import { isJsonObject, type JsonObject } from "../journal/json.ts";

/** The compact form of one part. It must be compared: a part of unusual form does not survive. */
export function packPart(part: unknown, provider: string | undefined): unknown {
  if (!isJsonObject(part)) return part;
  const { type, text, toolCallId, toolName, input, providerMetadata, ...rest } = part;
  const meta = packMetadata(providerMetadata, provider);
  switch (type) {
    case "text":
      return { text, ...rest, ...meta };
    case "reasoning":
      return { reasoning: text, ...rest, ...meta };
    case "tool-call":
      return { call: toolCallId, tool: toolName, ...packInput(input), ...rest, ...meta };
    default: {
      const { providerMetadata: _, ...other } = part;
      return { ...other, ...meta };
    }
  }
}

/** The part that was packed. */
export function unpackPart(packed: unknown, provider: string | undefined): unknown {
  if (!isJsonObject(packed)) return packed;
  const { meta, ...part } = packed;
  const metadata = meta === undefined ? {} : { providerMetadata: { [String(provider)]: meta } };
  if ("type" in part) return { ...part, ...metadata };
  if ("call" in part) {
    const { call, tool, args, input, ...rest } = part;
    const text = args === undefined ? input : JSON.stringify(args);
    return { type: "tool-call", toolCallId: call, toolName: tool, input: text, ...rest, ...metadata };
  }
  if ("reasoning" in part) {
    const { reasoning, ...rest } = part;
    return { type: "reasoning", text: reasoning, ...rest, ...metadata };
  }
  return { type: "text", ...part, ...metadata };
}

/** `meta` when there is metadata of `provider` alone, as nearly always. */
export function packMetadata(metadata: unknown, provider: string | undefined): JsonObject {
  if (metadata === undefined) return {};
  if (provider !== undefined && onlyKey(metadata) === provider && isJsonObject(metadata)) {
    return { meta: metadata[provider] };
  }
  return { providerMetadata: metadata };
}

/** The key of an object that has one. */
export function onlyKey(json: unknown): string | undefined {
  if (!isJsonObject(json)) return undefined;
  const keys = Object.keys(json);
  return keys.length === 1 ? keys[0] : undefined;
}

/** An input is JSON in a text: stored as JSON it is readable, and shorter by its escapes. */
function packInput(input: unknown): JsonObject {
  const args = typeof input === "string" && /^[[{]/.test(input) ? parsedExactly(input) : undefined;
  return args === undefined ? { input } : { args };
}

function parsedExactly(text: string): unknown {
  try {
    const json: unknown = JSON.parse(text);
    return isShallow(json, MAX_ARGS_DEPTH) && JSON.stringify(json) === text ? json : undefined;
  } catch {
    return undefined;
  }
}

/** Far from where `JSON.stringify` runs out of stack, which is another place on replay. */
const MAX_ARGS_DEPTH = 100;

function isShallow(json: unknown, levels: number): boolean {
  if (typeof json !== "object" || json === null) return true;
  return levels > 0 && Object.values(json).every((item) => isShallow(item, levels - 1));
}
