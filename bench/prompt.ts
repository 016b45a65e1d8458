/** The prompt that carries a shape, and the model's answers to it. Both depend on the conversation alone. */
import type { ScriptedReply, ScriptedToolCall } from "../src/testing/scripted-openai.ts";
import type { Shape } from "./subject.ts";

/** What the prompt says about a run. */
export type PromptShape = Pick<Shape, "steps" | "parallel" | "toolMs" | "resultBytes">;

/** An item of the Responses protocol's `input`. */
export type ConversationItem = Readonly<Record<string, unknown>>;

const PROMPT = /bench (\{[^}]*\})/;

/** The prompt of a run. */
export function promptOf({ steps, parallel, toolMs, resultBytes }: PromptShape): string {
  return `bench ${JSON.stringify({ steps, parallel, toolMs, resultBytes })}`;
}

/**
 * The shape that a prompt carries.
 *
 * @throws Error when the text holds none.
 */
export function shapeOf(text: string): PromptShape {
  const found = PROMPT.exec(text)?.[1];
  if (found === undefined) throw new Error(`Cannot find a shape in the prompt: ${text.slice(0, 100)}`);
  const { steps, parallel, toolMs, resultBytes } = JSON.parse(found) as Partial<PromptShape>;
  if (steps === undefined || parallel === undefined || toolMs === undefined || resultBytes === undefined)
    throw new Error(`Cannot read the shape of the prompt: ${found}`);
  return { steps, parallel, toolMs, resultBytes };
}

/** The model's answer to a conversation: tool calls until all have been answered, then the text `done`. */
export function answerTo(conversation: readonly ConversationItem[]): ScriptedReply {
  const { steps, parallel, toolMs, resultBytes } = shapeOf(textOfQuestion(conversation));
  const answered = conversation.filter((item) => item["type"] === "function_call_output").length;
  if (answered >= steps * parallel) return { text: "done" };
  const toolCalls = Array.from({ length: parallel }, (_, index): ScriptedToolCall => {
    const n = answered + index;
    return { id: `call_${n}`, name: "work", input: { n, ms: toolMs, bytes: resultBytes } };
  });
  return { toolCalls };
}

function textOfQuestion(conversation: readonly ConversationItem[]): string {
  const question = conversation.find((item) => item["role"] === "user");
  const content = question?.["content"];
  return typeof content === "string" ? content : JSON.stringify(content ?? "").replaceAll('\\"', '"');
}
