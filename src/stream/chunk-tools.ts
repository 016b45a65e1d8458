/** What the AI SDK knows about a tool call, and puts into its chunks: the parsed input, the tool's title and kind. */
import { getErrorMessage, type LanguageModelV4ToolCall } from "@ai-sdk/provider";
import {
  asSchema,
  InvalidToolInputError,
  JSONParseError,
  NoSuchToolError,
  type ToolSet,
  TypeValidationError,
} from "ai";

/** How an error is told to readers. */
export type ErrorText = (error: unknown) => string;

/** Fields of a tool that are in the chunks of its calls. */
export interface ToolFields {
  readonly dynamic?: true;
  readonly title?: string;
  readonly toolMetadata?: NonNullable<Tool["metadata"]>;
}

/** A call's input, or why the AI SDK does not take it. */
export type ParsedInput = { readonly input: unknown; readonly error?: undefined } | InvalidInput;
interface InvalidInput {
  readonly input: unknown;
  readonly error: unknown;
}

type Tool = ToolSet[string];

/** The tool of that name; undefined for one that the run does not have. */
export function toolOf(tools: ToolSet, toolName: string): Tool | undefined {
  return Object.hasOwn(tools, toolName) ? tools[toolName] : undefined;
}

/** What the chunks of a call say about its tool. */
export function toolFields(tools: ToolSet, toolName: string, dynamic: boolean | undefined): ToolFields {
  const tool = toolOf(tools, toolName);
  const isDynamic = tool === undefined ? dynamic === true : tool.type === "dynamic";
  return {
    ...(isDynamic ? { dynamic: true } : {}),
    ...(tool?.title === undefined ? {} : { title: tool.title }),
    ...(tool?.metadata === undefined ? {} : { toolMetadata: tool.metadata }),
  };
}

/** As the AI SDK parses an input: by the tool's schema; an empty text is an empty object. */
export async function parseToolInput(tools: ToolSet, call: LanguageModelV4ToolCall): Promise<ParsedInput> {
  const { toolName, input: text } = call;
  const json = parsedJson(text);
  const invalid = (cause: unknown): InvalidInput => ({
    input: "value" in json && text.trim() !== "" ? json.value : text,
    error: new InvalidToolInputError({ toolName, toolInput: text, cause }),
  });
  const tool = toolOf(tools, toolName);
  if (tool === undefined) {
    if (call.providerExecuted === true && call.dynamic === true) {
      return "error" in json ? invalid(json.error) : { input: json.value };
    }
    const { input } = invalid(undefined);
    const names = Object.keys(tools);
    return {
      input,
      error: new NoSuchToolError({ toolName, ...(names.length === 0 ? {} : { availableTools: names }) }),
    };
  }
  if ("error" in json) return invalid(json.error);
  const validated = await validate(tool, json.value);
  return "error" in validated ? invalid(validated.error) : { input: validated.value };
}

type Attempt = { readonly value: unknown } | { readonly error: unknown };

function parsedJson(text: string): Attempt {
  if (text.trim() === "") return { value: {} };
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { error: new JSONParseError({ text, cause: error }) };
  }
}

async function validate(tool: Tool, value: unknown): Promise<Attempt> {
  try {
    const { validate: check } = asSchema<unknown>(tool.inputSchema);
    if (check === undefined) return { value };
    const checked = await check(value);
    return checked.success
      ? { value: checked.value }
      : { error: TypeValidationError.wrap({ value, cause: checked.error }) };
  } catch (error) {
    return { error: TypeValidationError.wrap({ value, cause: error }) };
  }
}

/** The text that a model is told of a tool's failure, unless the app masks it. */
export function toolErrorText(error: unknown, onError: ErrorText | undefined): string {
  if (onError !== undefined) return onError(error);
  try {
    return getErrorMessage(error);
  } catch {
    return MASKED;
  }
}

/** What readers are told of an error, unless the app says more. */
export const MASKED = "An error occurred.";
