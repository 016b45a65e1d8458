/** The trace that a caller is in (https://www.w3.org/TR/trace-context/). */

const TRACE_PARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
const TRACE_STATE = /^[\x20-\x7e\t]{1,512}$/;

/** `traceparent` and `tracestate` for Restate. What is malformed starts no trace and is left out. */
export function traceHeadersOf(headers: Headers): Record<string, string> {
  const traceparent = headers.get("traceparent") ?? "";
  if (!TRACE_PARENT.test(traceparent)) return {};
  const tracestate = headers.get("tracestate") ?? "";
  return TRACE_STATE.test(tracestate) ? { traceparent, tracestate } : { traceparent };
}
