/** Tells that a stream has ended, in whatever way: the AI SDK's transport would wait on. */
export function follow(body: ReadableStream<Uint8Array>, onEnd: () => void): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }) as const);
      if (!done) return controller.enqueue(value);
      onEnd();
      controller.close();
    },
    cancel: (reason) => reader.cancel(reason),
  });
}
