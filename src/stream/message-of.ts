import { readUIMessageStream, type UIMessage, type UIMessageChunk } from "ai";

/** The message that the AI SDK's reader makes of a whole stream. */
export async function messageOf(chunks: readonly UIMessageChunk[]): Promise<UIMessage> {
  let message: UIMessage | undefined;
  const stream = new ReadableStream<UIMessageChunk>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  for await (const next of readUIMessageStream({ stream, onError: () => {} })) message = next;
  if (message === undefined) throw new Error("A stream that says nothing makes no message");
  return message;
}
