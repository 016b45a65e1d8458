/** What the AI SDK's own client makes of chunks. */
import { readUIMessageStream, type UIMessage, type UIMessageChunk } from "ai";

/** The message that a client has after these chunks; `message`: what it had before, as after a pause. */
export async function fold(chunks: Iterable<UIMessageChunk>, message?: UIMessage): Promise<UIMessage | undefined> {
  const stream = new ReadableStream<UIMessageChunk>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(structuredClone(chunk));
      controller.close();
    },
  });
  let last = message;
  const had = message === undefined ? {} : { message: structuredClone(message) };
  for await (const next of readUIMessageStream({ stream, terminateOnError: false, ...had })) last = next;
  return last === undefined ? undefined : plain(last);
}

/** Without members that are undefined, as JSON has it. */
export function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}
