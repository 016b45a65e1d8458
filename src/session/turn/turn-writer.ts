/** Placeholder until the stream writer is there. */
import type { UIMessage } from "ai";
import type { TurnEnd, TurnWriter, TurnWriterInit } from "../session.ts";

export function turnWriter({ messageId }: TurnWriterInit): TurnWriter {
  return {
    live: async () => ({ stop: false }),
    settled: () => {},
    message: async ({ metadata }: TurnEnd): Promise<UIMessage> => ({
      id: messageId,
      role: "assistant",
      metadata,
      parts: [],
    }),
    finish: async () => undefined,
  };
}
