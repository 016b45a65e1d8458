/**
 * Attributes and names of OpenTelemetry's conventions for generative AI
 * (https://opentelemetry.io/docs/specs/semconv/gen-ai/), of what the AI SDK's models and tools are given and return.
 */
import type {
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  LanguageModelV4FinishReason,
  LanguageModelV4Prompt,
  LanguageModelV4Usage,
} from "@ai-sdk/provider";
import type { SpanAttributes } from "./span.ts";

/** Longest content of one attribute, in characters; the rest is cut off. */
export const MAX_CONTENT = 32_768;

/** Beginnings of the AI SDK's provider names, and what the conventions call them. Longer ones come first. */
const PROVIDERS: readonly (readonly [prefix: string, name: string])[] = [
  ["amazon-bedrock", "aws.bedrock"],
  ["azure", "azure.ai.openai"],
  ["google.vertex", "gcp.vertex_ai"],
  ["google-vertex", "gcp.vertex_ai"],
  ["google", "gcp.gemini"],
  ["mistral", "mistral_ai"],
  ["xai", "x_ai"],
];

/** `gen_ai.provider.name` of a provider of the AI SDK: `openai.responses` is `openai`. */
export function providerName(provider: string): string {
  const known = PROVIDERS.find(
    ([prefix]) => provider === prefix || (/^[.-]/.test(provider.slice(prefix.length)) && provider.startsWith(prefix)),
  );
  return known?.[1] ?? provider.split(".", 1)[0] ?? provider;
}

/** What a model was asked, without content. */
export function requestAttributes(parameters: LanguageModelV4CallOptions): SpanAttributes {
  return {
    "gen_ai.request.max_tokens": parameters.maxOutputTokens,
    "gen_ai.request.temperature": parameters.temperature,
    "gen_ai.request.top_p": parameters.topP,
    "gen_ai.request.top_k": parameters.topK,
    "gen_ai.request.frequency_penalty": parameters.frequencyPenalty,
    "gen_ai.request.presence_penalty": parameters.presencePenalty,
    "gen_ai.request.stop_sequences": parameters.stopSequences,
    "gen_ai.request.seed": parameters.seed,
    "gen_ai.output.type": parameters.responseFormat?.type === "json" ? "json" : "text",
  };
}

/** Tokens that were used. */
export function usageAttributes({ inputTokens, outputTokens }: LanguageModelV4Usage): SpanAttributes {
  return {
    "gen_ai.usage.input_tokens": inputTokens.total,
    "gen_ai.usage.output_tokens": outputTokens.total,
    "gen_ai.usage.cache_read.input_tokens": inputTokens.cacheRead,
    "gen_ai.usage.cache_creation.input_tokens": inputTokens.cacheWrite,
    "gen_ai.usage.reasoning.output_tokens": outputTokens.reasoning,
  };
}

/** What the model was told. */
export function inputContent(prompt: LanguageModelV4Prompt): SpanAttributes {
  const system = prompt.filter(({ role }) => role === "system").map(({ content }) => ({ type: "text", content }));
  const messages = prompt.filter(({ role }) => role !== "system");
  return {
    ...(system.length === 0 ? {} : { "gen_ai.system_instructions": contentText(system) }),
    "gen_ai.input.messages": contentText(
      messages.map(({ role, content }) => ({ role, parts: (content as readonly object[]).map(messagePart) })),
    ),
  };
}

/** What the model answered. */
export function outputContent(
  content: readonly LanguageModelV4Content[],
  finishReason: LanguageModelV4FinishReason,
): SpanAttributes {
  const message = { role: "assistant", parts: content.map(messagePart), finish_reason: finishReason.unified };
  return { "gen_ai.output.messages": contentText([message]) };
}

/** JSON of `value` as far as it has a place in an attribute; a character is not cut in two. */
export function contentText(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    text = undefined; // Circular, or a bigint.
  }
  return (text ?? String(value)).slice(0, MAX_CONTENT).toWellFormed();
}

/** A part of a message as the conventions have it; of a file only its type, because content is large. */
function messagePart(part: object): object {
  const own = part as Readonly<Record<string, unknown>>;
  const id = own["toolCallId"];
  const name = own["toolName"];
  switch (own["type"]) {
    case "text":
    case "reasoning":
      return { type: own["type"], content: own["text"] };
    case "tool-call":
      return { type: "tool_call", id, name, arguments: own["input"] };
    case "tool-result":
      return { type: "tool_call_response", id, response: own["output"] ?? own["result"] };
    default:
      return { type: own["type"], mime_type: own["mediaType"] };
  }
}
