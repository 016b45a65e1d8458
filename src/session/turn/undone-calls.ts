/** Tells the model which calls of a turn do not hold any more, because the turn did not come to its end. */
import type { ModelMessage, ToolResultPart } from "ai";
import type { RollbackReport } from "../../errors/rollback-report.ts";

const UNDONE: ToolResultPart["output"] = {
  type: "error-text",
  value: "Undone: the turn did not come to its end, so what this call did was taken back. It does not hold any more",
};
const NOT_UNDONE: ToolResultPart["output"] = {
  type: "error-text",
  value: "The turn did not come to its end, but what this call did could not be taken back. It may still hold",
};

/** The messages of the turn, with notes in place of the results of calls that were to be undone. */
export function withUndone(messages: readonly ModelMessage[], report: RollbackReport | undefined): ModelMessage[] {
  if (report === undefined) return [...messages];
  const outputs = new Map<string, ToolResultPart["output"]>();
  for (const { toolCallId } of report.undone) if (toolCallId !== undefined) outputs.set(toolCallId, UNDONE);
  for (const { toolCallId } of report.notUndone) if (toolCallId !== undefined) outputs.set(toolCallId, NOT_UNDONE);
  return messages.map((message) => {
    if (message.role !== "tool") return message;
    const content = message.content.map((part) => {
      const output = part.type === "tool-result" ? outputs.get(part.toolCallId) : undefined;
      return output === undefined ? part : { ...part, output };
    });
    return { ...message, content };
  });
}
