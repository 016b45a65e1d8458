/** Spans as OTLP's JSON (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding): ids in hex, 64-bit numbers as text. */
import type { Span, SpanAttributes } from "./span.ts";

/** Who made the spans. */
const SCOPE = { name: "restate-edge-agents" };

const KINDS = { internal: 1, client: 3 } as const;
const STATUS_ERROR = 2;
/** W3C trace flags: sampled. */
const SAMPLED = 1;

/** The body of a request to `/v1/traces`. */
export function otlpTraces(spans: readonly Span[], resource: SpanAttributes): object {
  const scopeSpans = [{ scope: SCOPE, spans: spans.map(otlpSpan) }];
  return { resourceSpans: [{ resource: { attributes: otlpAttributes(resource) }, scopeSpans }] };
}

function otlpSpan(span: Span): object {
  const { traceId, spanId, parentSpanId, traceState, name, kind, startMs, endMs, error, linkedSpanIds = [] } = span;
  return {
    traceId,
    spanId,
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    ...(traceState === undefined ? {} : { traceState }),
    flags: SAMPLED,
    name,
    kind: KINDS[kind],
    startTimeUnixNano: nanoseconds(startMs),
    endTimeUnixNano: nanoseconds(Math.max(startMs, endMs)),
    attributes: otlpAttributes({ ...span.attributes, "error.type": error?.type }),
    ...(linkedSpanIds.length === 0 ? {} : { links: linkedSpanIds.map((id) => ({ traceId, spanId: id })) }),
    ...(error === undefined ? {} : { status: { code: STATUS_ERROR, ...definedMessage(error.message) } }),
  };
}

function definedMessage(message: string | undefined): { readonly message?: string } {
  return message === undefined ? {} : { message };
}

function nanoseconds(ms: number): string {
  return `${BigInt(Math.round(ms)) * 1_000_000n}`;
}

function otlpAttributes(attributes: SpanAttributes): object[] {
  return Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: otlpValue(value) }],
  );
}

function otlpValue(value: NonNullable<SpanAttributes[string]>): object {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value !== "number") return { arrayValue: { values: value.map((one) => ({ stringValue: one })) } };
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}
