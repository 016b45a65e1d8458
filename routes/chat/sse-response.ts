/** Chunks as server-sent events, as the AI SDK's chat client reads them. */
import { type EntryPages, SSE_HEADERS, sseBody } from "../../src/stream/sse.ts";

/** What a header can carry. Turns that were begun through the agents API may have other ids, which are then not told. */
const SENDABLE = /^[!-~]+$/;

/**
 * Streams chunks to a client. They are read only as fast as the client does, and `open`'s signal is aborted when it is
 * gone.
 */
export function sseResponse(
  open: (signal: AbortSignal) => EntryPages,
  headers: Readonly<Record<string, string | undefined>>,
): Response {
  const given = Object.entries(headers).flatMap(([name, value]) =>
    value !== undefined && SENDABLE.test(value) ? [[name, value] as const] : [],
  );
  return new Response(sseBody(open), {
    // What compresses or keeps would hold parts back.
    headers: { ...SSE_HEADERS, "cache-control": "no-store, no-transform", ...Object.fromEntries(given) },
  });
}
