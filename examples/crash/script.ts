/** What the scripted model says: 5 model calls, 8 tool calls, some in parallel. */
import { answeredToolCalls, type Script, type ScriptedToolCall } from "../../src/testing/scripted-openai.ts";

const call = (name: string, key: string): ScriptedToolCall => ({ id: `${name}-${key}`, name, input: { key } });

/** The tool calls of each turn; the last turn answers. */
export const TURNS: readonly (readonly ScriptedToolCall[])[] = [
  [call("findCustomer", "ada")],
  [call("checkStock", "lamp"), call("checkStock", "desk"), call("checkStock", "chair")],
  [call("reserve", "lamp"), call("reserve", "desk")],
  [call("chargeCard", "ada"), call("sendReceipt", "ada")],
  [],
];

/** The turn of a conversation in which so many tool calls have been answered. */
export function turnAfter(answered: number): number {
  let left = answered;
  let turn = 0;
  while (left > 0) left -= TURNS[turn++]?.length ?? 1;
  return turn;
}

export const orderScript: Script = (request) => {
  const toolCalls = TURNS[turnAfter(answeredToolCalls(request))] ?? [];
  return toolCalls.length > 0 ? { toolCalls, delayMs: 80 } : { text: "Lamp and desk are on their way.", delayMs: 80 };
};
