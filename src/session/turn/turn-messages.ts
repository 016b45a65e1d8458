/**
 * What a model is given of a turn that has ended, however it ended. Providers refuse a tool call without its result, so
 * none is left open (G5, G6).
 */
import type { LanguageModelV4Content } from "@ai-sdk/provider";
import type { JSONValue, ModelMessage, ToolResultPart } from "ai";
import { readMessage } from "../../errors/read-error.ts";
import type { ModelStep } from "../../model/model-step.ts";
import type { ToolDeniedEvent, ToolErrorEvent, ToolResultEvent } from "../../stream/run-sink.ts";

const NONE: ReadonlySet<string> = new Set();

/** How a tool call ended. */
export type ToolEnd = ToolResultEvent | ToolErrorEvent | ToolDeniedEvent;

type AssistantPart = Exclude<Extract<ModelMessage, { role: "assistant" }>["content"], string>[number];
type ToolPart = Extract<ModelMessage, { role: "tool" }>["content"][number];
type Output = ToolResultPart["output"];

const UNANSWERED: Output = {
  type: "error-text",
  value: "Interrupted: the turn ended before this call had a result. It may have had an effect",
};

/** The messages of a step that did not end: what the model said, and what its tools answered until then. */
export function messagesOfOpenStep(step: ModelStep, ends: ReadonlyMap<string, ToolEnd>): ModelMessage[] {
  const content = step.content.flatMap(assistantPart);
  if (content.length === 0) return [];
  const results = content.flatMap((part): ToolPart[] => {
    const end = part.type === "tool-call" ? ends.get(part.toolCallId) : undefined;
    return end === undefined ? [] : [resultPart(end.toolCallId, end.toolName, outputOf(end))];
  });
  const messages: ModelMessage[] = [{ role: "assistant", content }];
  return withoutOpenCalls(results.length === 0 ? messages : [...messages, { role: "tool", content: results }]);
}

/**
 * The same conversation, with a result for each tool call that has none, and without questions that nobody answered. Some
 * providers give the calls of each step the same ids, so a call is answered by what comes before the next answer alone.
 *
 * @param unsettled Tool calls of the last step whose result is none.
 */
export function withoutOpenCalls(
  given: readonly ModelMessage[],
  unsettled: ReadonlySet<string> = NONE,
): ModelMessage[] {
  const last = given.findLastIndex(({ role }) => role === "assistant");
  const messages = given.flatMap((message, at) => (at > last ? withoutResults(message, unsettled) : [message]));
  const closed: ModelMessage[] = [];
  let open: ToolPart[] = [];
  for (const [at, message] of messages.entries()) {
    if (message.role === "tool") {
      closed.push({ ...message, content: [...message.content, ...open] });
      open = [];
      continue;
    }
    if (open.length > 0) closed.push({ role: "tool", content: open });
    const answered = answeredAfter(messages, at);
    open = openCalls(message, answered);
    const kept = withoutQuestions(message, answered);
    if (kept !== undefined) closed.push(kept);
  }
  return open.length === 0 ? closed : [...closed, { role: "tool", content: open }];
}

/** Ids of the calls and questions that are answered in the message at `at`, or before the next one of the assistant. */
function answeredAfter(messages: readonly ModelMessage[], at: number): ReadonlySet<string> {
  const rest = messages.slice(at + 1);
  const next = rest.findIndex(({ role }) => role === "assistant");
  const answers = next === -1 ? rest : rest.slice(0, next);
  const answered = new Set<string>();
  for (const part of [...messages.slice(at, at + 1), ...answers].flatMap(partsOf)) {
    if (part.type === "tool-result") answered.add(part.toolCallId);
    if (part.type === "tool-approval-response") answered.add(part.approvalId);
  }
  return answered;
}

function withoutResults(message: ModelMessage, toolCallIds: ReadonlySet<string>): ModelMessage[] {
  if (message.role !== "tool" || toolCallIds.size === 0) return [message];
  const content = message.content.filter((part) => part.type !== "tool-result" || !toolCallIds.has(part.toolCallId));
  return content.length === 0 ? [] : [{ ...message, content }];
}

function openCalls(message: ModelMessage, answered: ReadonlySet<string>): ToolPart[] {
  return partsOf(message).flatMap((part): ToolPart[] => {
    if (part.type !== "tool-call" || part.providerExecuted === true || answered.has(part.toolCallId)) return [];
    return [resultPart(part.toolCallId, part.toolName, UNANSWERED)];
  });
}

/** Undefined when nothing is left of it. */
function withoutQuestions(message: ModelMessage, answered: ReadonlySet<string>): ModelMessage | undefined {
  if (message.role !== "assistant" || typeof message.content === "string") return message;
  const content = message.content.filter(
    (part) => part.type !== "tool-approval-request" || answered.has(part.approvalId),
  );
  return content.length === 0 ? undefined : { ...message, content };
}

function partsOf({ content }: ModelMessage): readonly (AssistantPart | ToolPart)[] {
  return typeof content === "string" ? [] : (content as readonly (AssistantPart | ToolPart)[]);
}

/** What a provider said, as it is given back to it. Sources are for people; calls that it runs itself come whole only. */
function assistantPart(part: LanguageModelV4Content): AssistantPart[] {
  const providerOptions = part.providerMetadata === undefined ? {} : { providerOptions: part.providerMetadata };
  switch (part.type) {
    case "text":
      return part.text === "" && part.providerMetadata === undefined
        ? []
        : [{ type: "text", text: part.text, ...providerOptions }];
    case "reasoning":
      return [{ type: "reasoning", text: part.text, ...providerOptions }];
    case "tool-call": {
      if (part.providerExecuted === true) return [];
      const { toolCallId, toolName } = part;
      return [{ type: "tool-call", toolCallId, toolName, input: parsedInput(part.input), ...providerOptions }];
    }
    default:
      return [];
  }
}

/** Providers want an object, also of a call that was never one. */
function parsedInput(input: string): object {
  try {
    const parsed: unknown = input.trim() === "" ? {} : JSON.parse(input);
    return typeof parsed === "object" && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}

function resultPart(toolCallId: string, toolName: string, output: Output): ToolPart {
  return { type: "tool-result", toolCallId, toolName, output };
}

function outputOf(end: ToolEnd): Output {
  if (end.type === "tool-error") return { type: "error-text", value: readMessage(end.error) };
  if (end.type === "tool-denied") {
    return { type: "execution-denied", ...(end.reason === undefined ? {} : { reason: end.reason }) };
  }
  const { output } = end;
  return typeof output === "string" ? { type: "text", value: output } : { type: "json", value: jsonOf(output) };
}

function jsonOf(value: unknown): JSONValue {
  const text: string | undefined = JSON.stringify(value);
  return text === undefined ? null : (JSON.parse(text) as JSONValue);
}
