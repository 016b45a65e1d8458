/**
 * Streams of events whose end must be heard. The AI SDK's transports read a stream to its end and then wait on; so an error
 * answer is put at its end. Whoever has got its answer before that passes it by.
 */

/** Stands in the `data` of the answer at a stream's end. */
export const STREAM_ENDED = "restate-edge-agents: stream ended";

/** What is put at the end of a stream; undefined: nothing. */
export type AtEnd = () => Uint8Array | undefined;

const encoder = new TextEncoder();

/** Answers an unanswered request when its stream ends. */
export function answerTo(id: unknown): AtEnd {
  const error = { code: -32000, message: "The connection ended before the answer", data: STREAM_ENDED };
  const text = JSON.stringify({ jsonrpc: "2.0", id, error });
  return () => encoder.encode(`\n\nevent: message\ndata: ${text}\n\n`);
}

/** Tells that a stream has ended. */
export function breaking(onEnd: () => void): AtEnd {
  return () => {
    onEnd();
    return undefined;
  };
}

/** `body`, with what `atEnd` gives at its end, be it a good one or not. */
export function follow(body: ReadableStream<Uint8Array>, atEnd: AtEnd): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }) as const);
      if (!done) {
        controller.enqueue(value);
        return;
      }
      const last = atEnd();
      if (last !== undefined) controller.enqueue(last);
      controller.close();
    },
    cancel: (reason) => reader.cancel(reason),
  });
}
