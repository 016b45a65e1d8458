/** How the demo model chooses a tool and its inputs: by the words of the question and of the tool's definition. */
import type { LanguageModelV4CallOptions, LanguageModelV4FunctionTool } from "@ai-sdk/provider";
import { z } from "zod";

/** A tool, and the input of each of its calls. */
export interface ChosenTool {
  readonly toolName: string;
  readonly inputs: readonly Readonly<Record<string, string>>[];
}

/** Words that begin a sentence without naming a thing. */
const NO_NAMES = new Set(
  (
    "a an and any are as ask at book can check compare could describe did do does explain fetch find for get give had has have hello " +
    "hey hi how i if in is it its let list look may me might my no of on or our please say search should show so tell thanks " +
    "that the their then there these they this those to today tomorrow was we weather were what when where which who why will " +
    "with would yes you your"
  ).split(" "),
);

/** The tool that fits the question best, with one call for each thing that the question names; undefined for none. */
export function chooseTool(
  question: string,
  { tools = [], toolChoice }: Pick<LanguageModelV4CallOptions, "tools" | "toolChoice">,
): ChosenTool | undefined {
  if (toolChoice?.type === "none") return undefined;
  const isAllowed = ({ name }: { readonly name: string }): boolean =>
    toolChoice?.type !== "tool" || toolChoice.toolName === name;
  const candidates = tools
    .filter((tool) => tool.type === "function")
    .filter(isAllowed)
    .filter(takesTexts);
  const best = candidates.toSorted((a, b) => score(b, question) - score(a, question))[0];
  if (best === undefined || (score(best, question) === 0 && candidates.length > 1)) return undefined;
  const found = names(question);
  const mustCall = toolChoice?.type === "required" || toolChoice?.type === "tool";
  const things = found.length === 0 && mustCall ? [question] : found;
  if (things.length === 0) return undefined;
  return { toolName: best.name, inputs: things.map((thing) => inputOf(best, thing)) };
}

/** Only a tool whose required properties are texts can be called with a name. */
function takesTexts(tool: LanguageModelV4FunctionTool): boolean {
  const { required, texts } = inputOfTool(tool);
  return texts.length > 0 && required.every((name) => texts.includes(name));
}

/** The thing in every required property, or in the first text when none is required. */
function inputOf(tool: LanguageModelV4FunctionTool, thing: string): Record<string, string> {
  const { required, texts } = inputOfTool(tool);
  const filled = required.length > 0 ? required : texts.slice(0, 1);
  return Object.fromEntries(filled.map((name) => [name, thing]));
}

const makeSchemas = () => ({
  input: z.object({
    properties: z.record(z.string(), z.unknown()).default({}),
    required: z.array(z.string()).default([]),
  }),
  freeText: z.object({
    type: z.literal("string"),
    enum: z.undefined().optional(),
    format: z.undefined().optional(),
  }),
});
let schemas: ReturnType<typeof makeSchemas> | undefined;

/** Names of the required properties, and of those that take any text. */
function inputOfTool(tool: LanguageModelV4FunctionTool): { readonly required: string[]; readonly texts: string[] } {
  // Made when they are needed: with a real model they would only make the Worker's start longer.
  const { input, freeText } = (schemas ??= makeSchemas());
  const parsed = input.safeParse(tool.inputSchema);
  if (!parsed.success) return { required: [], texts: [] };
  const { properties, required } = parsed.data;
  return { required, texts: Object.keys(properties).filter((name) => freeText.safeParse(properties[name]).success) };
}

/** A word of the name counts more than all words of the description. */
function score({ name, description = "" }: LanguageModelV4FunctionTool, question: string): number {
  const asked = new Set(words(question));
  const hits = (text: string): number => words(text).filter((word) => word.length > 3 && asked.has(word)).length;
  return hits(name.replaceAll(/(?=\p{Lu})|[_-]/gu, " ")) * 100 + hits(description);
}

function words(text: string): string[] {
  return text.toLowerCase().match(/\p{L}+/gu) ?? [];
}

/** What the question names: words with a capital letter, or what follows "in", "for" or "at" when there are none. */
function names(question: string): string[] {
  const capitalised = question.match(/\p{Lu}[\p{L}\p{M}.'’-]*\p{L}(?: \p{Lu}[\p{L}\p{M}.'’-]*\p{L})*/gu) ?? [];
  const found = capitalised.map(withoutFirstWords).filter((name) => name !== "");
  if (found.length > 0) return [...new Set(found)];
  const rest = /\b(?:in|for|at) ([^?!.;]+)/iu.exec(question)?.[1] ?? "";
  return [...new Set(rest.split(/,|\band\b/iu).map((name) => name.trim()))].filter((name) => name !== "");
}

function withoutFirstWords(name: string): string {
  const parts = name.split(" ");
  const first = parts.findIndex((word) => !NO_NAMES.has(word.toLowerCase().replace(/['’].*$/, "")));
  return first < 0 ? "" : parts.slice(first).join(" ");
}
