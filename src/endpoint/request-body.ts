/** A request for the SDK at another URL, whose body ends when the request is refused. */

/** What reads a body. */
export interface Reads {
  /** The next piece. The last one may come with `done` or before it. */
  next(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
  cancel(reason: unknown): Promise<void>;
}

/** Node asks for it where a body is a stream; `RequestInit` does not know it. */
const HALF_DUPLEX: object = { duplex: "half" };

/**
 * The request at `url`, its body read by `reads`, and only as far as it is asked for. The SDK reads the body of a request
 * that it refuses to the end, however long a stranger makes that: once `refused` is aborted there is no more of it.
 */
export function requestAt(
  url: URL,
  request: Request,
  reads: (body: ReadableStream<Uint8Array>) => Reads,
  refused?: AbortSignal,
): Request {
  const { method, headers, signal, body } = request;
  // A body of `GET` is nobody's, and no request can be made with one.
  if (body === null || method === "GET") return new Request(url, { method, headers, signal });
  return new Request(url, { method, headers, signal, body: streamOf(reads(body), refused), ...HALF_DUPLEX });
}

/** Pieces as the network cut them. */
export function asTheyCome(body: ReadableStream<Uint8Array>): Reads {
  const reader = body.getReader();
  return { next: () => reader.read(), cancel: (reason) => reader.cancel(reason) };
}

/** Deno begins a body that has no bytes with an empty piece. A stream that is given nothing does not ask again. */
async function nextBytes(reads: Reads): ReturnType<Reads["next"]> {
  for (;;) {
    const read = await reads.next();
    if (read.done || (read.value?.length ?? 0) > 0) return read;
  }
}

function streamOf(reads: Reads, refused: AbortSignal | undefined): ReadableStream<Uint8Array> {
  let isOver = false;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const end = (): void => {
          if (isOver) return;
          isOver = true;
          controller.close();
          // Not awaited, and whether the sender is told does not matter.
          reads.cancel(refused?.reason).catch(() => undefined);
        };
        refused?.addEventListener("abort", end, { once: true });
      },
      async pull(controller) {
        const { done, value } = await nextBytes(reads);
        if (isOver) return;
        if (value !== undefined && value.length > 0) controller.enqueue(value);
        if (done) {
          isOver = true;
          controller.close();
        }
      },
      cancel(reason) {
        isOver = true;
        return reads.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
