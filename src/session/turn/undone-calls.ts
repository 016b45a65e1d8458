/** Tells the model which calls of a turn do not hold any more, because the turn did not come to its end. */
import type { ModelMessage, ToolResultPart } from "ai";
import type { RollbackItem } from "../../errors/rollback-report.ts";

const UNDONE: ToolResultPart["output"] = {
  type: "error-text",
  value: "Undone: the turn did not come to its end, so what this call did was taken back. It does not hold any more",
};
const NOT_UNDONE: ToolResultPart["output"] = {
  type: "error-text",
  value: "The turn did not come to its end, but what this call did could not be taken back. It may still hold",
};

/** What was undone of a turn, and what was not. */
export interface UndoneCalls {
  readonly undone: readonly RollbackItem[];
  readonly notUndone: readonly RollbackItem[];
}

/**
 * The messages of the turn, with notes in place of the results of calls that were to be undone: the model's own calls, also
 * for what agents in them have done, and what they have registered. One thing that was not undone is enough to say so.
 */
export function withUndone(messages: readonly ModelMessage[], calls: UndoneCalls | undefined): ModelMessage[] {
  if (calls === undefined) return [...messages];
  const outputs = new Map<string, ToolResultPart["output"]>();
  const note = (items: readonly RollbackItem[], output: ToolResultPart["output"]): void => {
    for (const { tool, toolCallId, within } of items) {
      if (within !== undefined) outputs.set(keyOf(within.tool, within.toolCallId), output);
      else if (tool !== undefined && toolCallId !== undefined) outputs.set(keyOf(tool, toolCallId), output);
    }
  };
  note(calls.undone, UNDONE);
  note(calls.notUndone, NOT_UNDONE);
  return messages.map((message) => {
    if (message.role !== "tool") return message;
    const content = message.content.map((part) => {
      const output = part.type === "tool-result" ? outputs.get(keyOf(part.toolName, part.toolCallId)) : undefined;
      return output === undefined ? part : { ...part, output };
    });
    return { ...message, content };
  });
}

function keyOf(tool: string, toolCallId: string): string {
  return `${tool} ${toolCallId}`;
}
