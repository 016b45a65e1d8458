/**
 * A model for demonstrations: no network, no key, the same answer each time. It calls the tools that fit the
 * question, several at once when the question names several things, and answers with what they returned.
 */
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  LanguageModelV4FunctionTool,
  LanguageModelV4GenerateResult,
  LanguageModelV4Prompt,
} from "@ai-sdk/provider";
import type { ModelStep } from "./model-step.ts";
import { synthesizeStream } from "./synthesize-stream.ts";

type Answer = LanguageModelV4GenerateResult & Pick<ModelStep, "response">;

/** Makes the demo model. It is not a language model: it matches words. */
export function demoModel(): LanguageModelV4 {
  return {
    specificationVersion: "v4",
    provider: "demo",
    modelId: "demo",
    supportedUrls: {},
    doGenerate: async (parameters) => answer(parameters),
    doStream: async (parameters) => ({ stream: synthesizeStream({ ...answer(parameters), ms: 0 }) }),
  };
}

function answer({ prompt, tools = [] }: LanguageModelV4CallOptions): Answer {
  const results = resultsOfThisTurn(prompt);
  const calls = results.length === 0 ? toolCalls(lastUserText(prompt), functionTools(tools), prompt.length) : [];
  const content: LanguageModelV4Content[] =
    calls.length > 0 ? calls : [{ type: "text", text: textAnswer(lastUserText(prompt), results) }];
  return {
    content,
    finishReason: { unified: calls.length > 0 ? "tool-calls" : "stop", raw: undefined },
    usage: usageOf(JSON.stringify(prompt), JSON.stringify(content)),
    warnings: [],
    response: { id: `demo-${prompt.length}`, timestamp: new Date(0), modelId: "demo" },
  };
}

function functionTools(tools: readonly { readonly type: string }[]): LanguageModelV4FunctionTool[] {
  return tools.filter((tool): tool is LanguageModelV4FunctionTool => tool.type === "function");
}

function lastUserText(prompt: LanguageModelV4Prompt): string {
  const message = prompt.findLast(({ role }) => role === "user");
  if (message?.role !== "user") return "";
  return message.content.map((part) => (part.type === "text" ? part.text : "")).join(" ");
}

/** Tool results since the last question. */
function resultsOfThisTurn(prompt: LanguageModelV4Prompt): string[] {
  const start = prompt.findLastIndex(({ role }) => role === "user");
  return prompt.slice(start + 1).flatMap((message) => {
    if (message.role !== "tool") return [];
    return message.content.flatMap((part) => (part.type === "tool-result" ? [outputText(part.output)] : []));
  });
}

function outputText(output: { readonly type: string }): string {
  const value = "value" in output ? output.value : output;
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) return String(value);
  return Object.entries(value)
    .map(([name, part]) => `${name} ${typeof part === "object" ? JSON.stringify(part) : String(part)}`)
    .join(", ");
}

/** Names of things begin with a capital letter; the first word of a sentence is no name. */
function names(text: string): string[] {
  const found = text.match(/(?<=[a-z,:] )[A-ZÄÖÜ][\p{L}-]+(?: [A-ZÄÖÜ][\p{L}-]+)*/gu) ?? [];
  return [...new Set(found)];
}

function toolCalls(text: string, tools: readonly LanguageModelV4FunctionTool[], turn: number): LanguageModelV4Content[] {
  const tool = tools.find((candidate) => fits(candidate, text)) ?? (tools.length === 1 ? tools[0] : undefined);
  const property = tool === undefined ? undefined : firstTextProperty(tool.inputSchema);
  if (tool === undefined || property === undefined) return [];
  return names(text).map((name, index) => ({
    type: "tool-call",
    toolCallId: `demo-${turn}-${index + 1}`,
    toolName: tool.name,
    input: JSON.stringify({ [property]: name }),
  }));
}

/** A tool fits when the question uses a word of its name. */
function fits({ name }: LanguageModelV4FunctionTool, text: string): boolean {
  const words = name.split(/(?=[A-Z])|[_-]/).map((word) => word.toLowerCase());
  return words.some((word) => word.length > 3 && text.toLowerCase().includes(word));
}

function firstTextProperty(schema: LanguageModelV4FunctionTool["inputSchema"]): string | undefined {
  const properties = schema.properties ?? {};
  return Object.keys(properties).find((name) => {
    const property = properties[name];
    return typeof property === "object" && property.type === "string";
  });
}

function textAnswer(question: string, results: readonly string[]): string {
  if (results.length > 0) return `Here is what I found. ${results.join("; ")}.`;
  return `This is the demo model. It heard: "${question}". Set OPENAI_API_KEY to talk to a real one.`;
}

/** About four characters a token. */
function usageOf(prompt: string, content: string): LanguageModelV4GenerateResult["usage"] {
  const tokens = (text: string): number => Math.ceil(text.length / 4);
  return {
    inputTokens: { total: tokens(prompt), noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
    outputTokens: { total: tokens(content), text: undefined, reasoning: undefined },
  };
}
