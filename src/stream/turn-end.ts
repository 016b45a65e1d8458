/** How a turn ends for those who read its stream. */
import type { FinishReason, UIMessageChunk } from "ai";
import { MASKED } from "./chunk-tools.ts";
import type { ToolErrorEvent } from "./run-sink.ts";
import { type ChunkOptions, plainChunk } from "./step-chunks.ts";

/** What became of a turn. `interrupted`: somebody asked it to stop, and it ended where it was. */
export type TurnOutcome = "completed" | "interrupted" | "failed" | "cancelled";

/** See the head of this file. */
export interface TurnEnd {
  readonly outcome: TurnOutcome;
  /** Of the last model step. */
  readonly finishReason?: FinishReason | undefined;
  /** What a failed turn failed with; readers are told what `onError` makes of it. */
  readonly error?: unknown;
  /** Added to the message's metadata. */
  readonly metadata?: unknown;
}

/** The last chunks of a stream. */
export function endChunks(
  { outcome, finishReason, error, metadata }: TurnEnd,
  { onError }: ChunkOptions,
): UIMessageChunk[] {
  if (outcome === "completed" || outcome === "interrupted") {
    return [plainChunk({ type: "finish", finishReason, messageMetadata: metadata })];
  }
  const facts = metadata === undefined ? [] : [plainChunk({ type: "message-metadata", messageMetadata: metadata })];
  if (outcome === "cancelled") return [...facts, { type: "abort", reason: "cancelled" }];
  return [...facts, { type: "error", errorText: onError === undefined ? MASKED : onError(error) }];
}

/** A call that will have no result, because its turn is over. */
export function closingOf(call: { readonly toolCallId: string; readonly toolName: string }): ToolErrorEvent {
  const { toolCallId, toolName } = call;
  return { type: "tool-error", toolCallId, toolName, error: "The turn ended before this call had a result." };
}
