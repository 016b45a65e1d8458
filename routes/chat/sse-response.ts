/** Chunks as server-sent events, as the AI SDK's chat client reads them. */
import type { UIMessageChunk } from "ai";
import { type EntryPages, SSE_HEADERS, sseBody } from "../../src/stream/sse.ts";

/** What a header can carry. Turns that were begun through the agents API may have other ids, which are then not told. */
const SENDABLE = /^[!-~]+$/;

/** The status is sent by then, so this is all that a client can be told. */
const MASKED: UIMessageChunk = { type: "error", errorText: "An error occurred." };

/**
 * Streams chunks to a client. They are read only as fast as the client does, and `open`'s signal is aborted when it is
 * gone.
 *
 * @param onFailure Told of what ends the stream too early, unless the client has gone.
 */
export function sseResponse(
  open: (signal: AbortSignal) => EntryPages,
  headers: Readonly<Record<string, string | undefined>>,
  onFailure: (error: unknown) => void,
): Response {
  let left: AbortSignal | undefined;
  const pages = (signal: AbortSignal): EntryPages => {
    left = signal;
    return open(signal);
  };
  const onError = (error: unknown): readonly UIMessageChunk[] => {
    if (left?.aborted !== true) onFailure(error);
    return [MASKED];
  };
  const given = Object.entries(headers).flatMap(([name, value]) =>
    value !== undefined && SENDABLE.test(value) ? [[name, value] as const] : [],
  );
  return new Response(sseBody(pages, { onError }), {
    // What compresses or keeps would hold parts back.
    headers: { ...SSE_HEADERS, "cache-control": "no-store, no-transform", ...Object.fromEntries(given) },
  });
}
