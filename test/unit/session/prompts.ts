/** Looks at what a model was asked, and at what readers of a stream see. */
import type { LanguageModelV4CallOptions } from "@ai-sdk/provider";
import { readUIMessageStream, type UIMessage, type UIMessageChunk } from "ai";
import type { StreamStore } from "../../../src/stream/stream-store.ts";

/** A prompt in short: a line for each message. */
export function promptOf(call: LanguageModelV4CallOptions | undefined): string[] {
  return (call?.prompt ?? []).map(({ role, content }) => {
    const parts =
      typeof content === "string" ? [content] : content.map((part) => ("text" in part ? part.text : part.type));
    return `${role}: ${parts.join(", ")}`;
  });
}

/** What a provider would refuse in a prompt. */
export function problemOf(call: LanguageModelV4CallOptions | undefined): string | undefined {
  const open = new Set<string>();
  for (const { role, content } of call?.prompt ?? []) {
    if (typeof content === "string") continue;
    if (role !== "tool" && open.size > 0) return `${[...open].join(", ")} without a result`;
    for (const part of content) {
      if (part.type === "tool-call") open.add(part.toolCallId);
      if (part.type === "tool-result" && !open.delete(part.toolCallId)) return `${part.toolCallId} without a call`;
    }
  }
  return open.size === 0 ? undefined : `${[...open].join(", ")} without a result`;
}

/** The message that the AI SDK's own reader makes of a stream. */
export async function messageOfStream(store: StreamStore, stream: string): Promise<UIMessage | undefined> {
  const { entries, ended } = await store.read(stream, { after: 0, waitMs: 0 });
  if (!ended) throw new Error(`The stream ${stream} has not ended`);
  const chunks = new ReadableStream<UIMessageChunk>({
    start(controller) {
      for (const { chunk } of entries) controller.enqueue(chunk);
      controller.close();
    },
  });
  let last: UIMessage | undefined;
  for await (const message of readUIMessageStream({ stream: chunks })) last = message;
  return last;
}
