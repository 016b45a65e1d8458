/** What readers make of chunks. */
import { readUIMessageStream, type UIMessage, type UIMessageChunk } from "ai";
import type { StreamStore } from "../../../src/stream/stream-store.ts";

/** The message that the AI SDK's reader ends with, as JSON. Throws what the reader reports, other than `error` chunks. */
export async function fold(chunks: readonly UIMessageChunk[]): Promise<unknown> {
  let message: UIMessage | undefined;
  const errors: unknown[] = [];
  const stream = new ReadableStream<UIMessageChunk>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  const isOwn = (error: unknown): boolean =>
    chunks.some((chunk) => chunk.type === "error" && chunk.errorText === (error as Error).message);
  const onError = (error: unknown): void => void (isOwn(error) || errors.push(error));
  for await (const next of readUIMessageStream({ stream, onError })) message = next;
  if (errors.length > 0) throw errors[0];
  return message === undefined ? undefined : JSON.parse(JSON.stringify(message));
}

/** A message without a last step that says nothing: one that is reset for good leaves its beginning. */
export function withoutEmptyStep(message: unknown): unknown {
  const { parts, ...rest } = message as UIMessage;
  return { ...rest, parts: parts.at(-1)?.type === "step-start" ? parts.slice(0, -1) : parts };
}

/** All chunks of a stream. */
export async function chunksOf(store: StreamStore, stream: string): Promise<UIMessageChunk[]> {
  return (await store.read(stream, { after: 0, waitMs: 0 })).entries.map(({ chunk }) => chunk);
}
