/** A conversation as plain text, for a model that has none of its tools. */
import type { ModelMessage } from "ai";

/** Longest input or output of a tool, in characters. What is longer is cut: a summary needs no more. */
const MAX_VALUE_LENGTH = 4_000;

/** One paragraph for each thing that was said or done. */
export function transcriptOf(messages: readonly ModelMessage[]): string {
  return messages.flatMap(paragraphs).join("\n\n");
}

function paragraphs({ role, content }: ModelMessage): string[] {
  if (typeof content === "string") return [`${role}: ${content}`];
  return content.flatMap((part) => {
    switch (part.type) {
      case "text":
        return part.text === "" ? [] : [`${role}: ${part.text}`];
      case "file":
        return [`${role} sent a file: ${part.filename ?? part.mediaType}`];
      case "image":
        return [`${role} sent an image`];
      case "tool-call":
        return [`assistant called ${part.toolName}: ${shown(part.input)}`];
      case "tool-result":
        return [`${part.toolName} answered: ${shown(part.output)}`];
      default:
        return [];
    }
  });
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "";
  return text.length <= MAX_VALUE_LENGTH ? text : `${text.slice(0, MAX_VALUE_LENGTH)}…`;
}
