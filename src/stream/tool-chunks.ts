/** What happens to tool calls, as chunks of the AI SDK's UI message stream. */
import type { ToolSet, UIMessageChunk } from "ai";
import { type ToolOutputEvent } from "../tools/journal-tool.ts";
import { readProperty } from "../errors/read-error.ts";
import { toolErrorText, toolFields } from "./chunk-tools.ts";
import { plainJson } from "./plain-json.ts";
import type { ClientCallEvent, SteeringEvent, ToolEvent, ToolInputEvent } from "./run-sink.ts";
import { type ChunkOptions, plainChunk } from "./step-chunks.ts";

/** An event whose chunk follows from itself alone. */
export type PlainToolEvent = Exclude<ToolEvent, ToolInputEvent | SteeringEvent | ClientCallEvent> | ToolOutputEvent;

/** The chunk of an event. Said again it changes nothing, as long as what followed is said again, too. */
export function toolChunk(event: PlainToolEvent, { onError }: ChunkOptions): UIMessageChunk {
  const { toolCallId } = event;
  switch (event.type) {
    case "tool-output":
      return { type: "tool-output-available", toolCallId, output: plainJson(event.output), preliminary: true };
    case "tool-result":
      return { type: "tool-output-available", toolCallId, output: plainJson(event.output) };
    case "tool-error":
      return { type: "tool-output-error", toolCallId, errorText: toolErrorText(event.error, onError) };
    case "tool-denied":
      return { type: "tool-output-denied", toolCallId };
    case "approval-request": {
      const { type, approvalId, reason, isAutomatic } = event;
      return plainChunk({ type: `tool-${type}`, approvalId, toolCallId, reason, isAutomatic });
    }
    case "approval-response": {
      const { type, approvalId, approved, reason } = event;
      return plainChunk({ type: `tool-${type}`, approvalId, approved, reason });
    }
  }
}

/** The input that a tool got. */
export function inputChunk(
  { toolCallId, toolName, input }: ToolInputEvent | ClientCallEvent,
  tools: ToolSet,
): UIMessageChunk {
  const fields = toolFields(tools, toolName, undefined);
  return plainChunk({ type: "tool-input-available", toolCallId, toolName, input: plainJson(input), ...fields });
}

/** A call that waits for the client: `useChat` calls `onToolCall` for the first, and our routes see the turn wait by the other. */
export function clientCallChunks(event: ClientCallEvent, tools: ToolSet): readonly UIMessageChunk[] {
  const { toolCallId, toolName } = event;
  return [inputChunk(event, tools), { type: CLIENT_CALL, data: { toolCallId, toolName }, transient: true }];
}

/** The chunk that says that a call waits for the client. It is no part of the message. */
export const CLIENT_CALL = "data-client-call";

/** The tool call that such a chunk tells of. */
export function clientCallOf(chunk: UIMessageChunk): string | undefined {
  if (chunk.type !== CLIENT_CALL || !("data" in chunk)) return undefined;
  const id = readProperty(chunk.data, "toolCallId");
  return typeof id === "string" ? id : undefined;
}

/** A message that was added to the turn. */
export function steeringChunk({ id, parts }: SteeringEvent): UIMessageChunk {
  return { type: "steering-message", id, parts: [...parts] };
}
