/**
 * Tells a server that nobody waits for a request any more: the run was cancelled, or the time is over. That its connection
 * has gone says nothing to a server of MCP: it would work on.
 */
const TIMEOUT_MS = 5_000;

/** A request that is under way. */
export interface OpenRequest {
  readonly url: URL;
  /** Those of the request. */
  readonly headers: Headers;
  readonly id: unknown;
  readonly signal: AbortSignal | null | undefined;
}

/** Tells it when the request's signal is aborted. Returns what is to be called when the request has ended. */
export function tellOfCancellation(request: OpenRequest, inBackground: (work: Promise<void>) => void): () => void {
  const { signal } = request;
  if (signal === null || signal === undefined) return () => undefined;
  const onAbort = (): void => inBackground(tell(request));
  signal.addEventListener("abort", onAbort, { once: true });
  return () => signal.removeEventListener("abort", onAbort);
}

/** It never rejects. */
async function tell({ url, headers, id }: OpenRequest): Promise<void> {
  const message = { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: id } };
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers,
      body: JSON.stringify(message),
      signal: limit,
      redirect: "manual",
    });
    await response.body?.cancel();
  } catch {
    // Whoever cannot be told works on.
  }
}
