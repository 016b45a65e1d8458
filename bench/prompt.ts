/** The prompt that carries a shape, and the model's answers to it. Both depend on the conversation alone. */
import type { ScriptedReply, ScriptedToolCall } from "../src/testing/scripted-openai.ts";
import type { Shape } from "./subject.ts";

/** What the prompt says about a run. */
export type PromptShape = Pick<Shape, "steps" | "parallel" | "toolMs" | "resultBytes">;

/** The prompt that is answered with a text of 20 words, 20 ms apart: something to stream. */
export const STREAMED: string = "stream";

const STREAMED_ANSWER: ScriptedReply = { text: "word ".repeat(20).trim(), chunkDelayMs: 20 };

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

/**
 * The model's answer to a conversation: tool calls until all have been answered, then the text `done`. How many have
 * been answered is read from their ids, because the beginning of a long conversation may have been dropped.
 */
export function answerTo(conversation: readonly ConversationItem[]): ScriptedReply {
  const question = textOfQuestion(conversation);
  if (question === STREAMED) return STREAMED_ANSWER;
  const { steps, parallel, toolMs, resultBytes } = shapeOf(question);
  const answered = 1 + Math.max(-1, ...conversation.flatMap((item) => numberOfOutput(item) ?? []));
  if (answered >= steps * parallel) return { text: "done" };
  const toolCalls = Array.from({ length: parallel }, (_, index): ScriptedToolCall => {
    const n = answered + index;
    return { id: `call_${n}`, name: "work", input: { n, ms: toolMs, bytes: resultBytes } };
  });
  return { toolCalls };
}

/** The number of the tool call that an item answers; undefined when it answers none. */
function numberOfOutput(item: ConversationItem): number | undefined {
  if (item["type"] !== "function_call_output") return undefined;
  const digits = /^call_(\d+)$/.exec(String(item["call_id"]))?.[1];
  if (digits === undefined) throw new Error(`Cannot read the id of a tool call: ${String(item["call_id"])}`);
  return Number(digits);
}

/** The first user message: a string, or a list of text parts. */
function textOfQuestion(conversation: readonly ConversationItem[]): string {
  const content: unknown = conversation.find((item) => item["role"] === "user")?.["content"];
  if (!Array.isArray(content)) return String(content);
  return content.map((part: Readonly<Record<string, unknown>>) => String(part["text"])).join("");
}
