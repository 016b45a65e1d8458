/**
 * The trace that an invocation belongs to (W3C Trace Context, https://www.w3.org/TR/trace-context/).
 *
 * Restate continues the `traceparent` of whoever invokes a handler. When its own tracing is on, each attempt is a span of
 * it, whose id comes with the attempt; the trace id stays. When it is off, nothing comes with the attempt, but the
 * caller's header is still there: it is stored with the invocation.
 */
import { traceIdOf } from "./span-id.ts";

/** What is read of a request of Restate's. */
export interface AttemptRequest {
  /** Id of the invocation. */
  readonly id: string;
  readonly target: { readonly service: string; readonly handler: string };
  /** The caller's headers, the same in every attempt. */
  readonly headers: ReadonlyMap<string, string>;
  /** The headers of this attempt. */
  readonly attemptHeaders: ReadonlyMap<string, string | readonly string[] | undefined>;
  /** What the platform gave: on Workers the environment and the execution context. */
  readonly extraArgs: readonly unknown[];
  /** Aborted when the attempt's response has ended. */
  readonly attemptCompletedSignal: AbortSignal;
}

/** Where an invocation's spans belong. */
export interface TraceContext {
  readonly traceId: string;
  readonly traceState: string | undefined;
  /** The span of whoever invoked the handler. */
  readonly callerSpanId: string | undefined;
  /** Restate's span of this attempt. */
  readonly attemptSpanId: string | undefined;
}

/** The trace of an invocation, of its own if nobody has begun one; undefined when it was decided not to record it. */
export function traceContextOf({ id, headers, attemptHeaders }: AttemptRequest): TraceContext | undefined {
  const caller = parseTraceparent(headers.get("traceparent"));
  const attempt = parseTraceparent(single(attemptHeaders.get("traceparent")));
  const known = attempt ?? caller;
  if (known?.isSampled === false) return undefined;
  const traceId = known?.traceId ?? traceIdOf(id);
  const traceState = attempt === undefined ? headers.get("tracestate") : single(attemptHeaders.get("tracestate"));
  return {
    traceId,
    traceState: known === undefined || traceState === "" ? undefined : traceState,
    callerSpanId: caller?.traceId === traceId ? caller.spanId : undefined,
    attemptSpanId: attempt?.spanId,
  };
}

interface Traceparent {
  readonly traceId: string;
  readonly spanId: string;
  readonly isSampled: boolean;
}

/** Version 00, and later ones as far as they begin alike; undefined for anything else. */
function parseTraceparent(header: string | undefined): Traceparent | undefined {
  const match = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/.exec(header?.trim() ?? "");
  if (match === null) return undefined;
  const [, version, traceId = "", spanId = "", flags = "", rest] = match;
  if (version === "ff" || (version === "00" && rest !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

function single(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === "string" ? header : header?.[0];
}
