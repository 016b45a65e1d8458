/** A span as it is exported. Nothing here knows about Restate or the AI SDK. */

/** Values of a span's attributes; undefined ones are left out. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** One piece of work that has ended. */
export interface Span {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
  /** 16 hex digits; undefined: the span is a root. */
  readonly parentSpanId?: string | undefined;
  /** W3C `tracestate` of the trace. */
  readonly traceState?: string | undefined;
  readonly name: string;
  /** `client`: a request to somebody else, such as a model provider. */
  readonly kind: "internal" | "client";
  /** Milliseconds since 1970. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: SpanAttributes;
  /** What it failed with; undefined when it did not. */
  readonly error?: SpanError | undefined;
  /** Spans of the same trace that it belongs to besides its parent. */
  readonly linkedSpanIds?: readonly string[] | undefined;
}

/** How a span failed. */
export interface SpanError {
  /** Of low cardinality: an error code, an HTTP status, the name of a class. The attribute `error.type`. */
  readonly type: string;
  readonly message?: string | undefined;
}

/**
 * Where spans go. `otlpTelemetry()` makes one for OTLP/HTTP; write your own for anything else.
 *
 * It is called beside the run, never awaited by it, with one batch at a time for each request. What it throws is
 * warned about once; a batch that failed is tried again with the next one, and given up when the request has ended.
 */
export interface SpanExporter {
  /** @param signal Aborted when the export has taken too long. */
  export(spans: readonly Span[], options: { readonly signal: AbortSignal }): PromiseLike<void>;
}
