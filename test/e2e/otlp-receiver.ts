/** A receiver of OTLP/HTTP: traces as JSON, which it reads, and in protobuf, of which it keeps the bytes. */
import type { IncomingMessage } from "node:http";
import { listen } from "../../src/testing/http-server.ts";
import { waitUntil } from "../../src/testing/wait.ts";

/** A span as it was received. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly resource: Readonly<Record<string, unknown>>;
  readonly errorMessage?: string | undefined;
  readonly isError: boolean;
  readonly links: readonly string[];
}

export interface OtlpReceiver {
  readonly url: string;
  readonly spans: readonly ReceivedSpan[];
  /** Bodies that were no JSON: Restate's own spans. */
  readonly binary: readonly Buffer[];
  /** Headers of the JSON requests. */
  readonly headers: readonly IncomingMessage["headers"][];
  /** What the receiver does from now on. */
  mode: "answer" | "refuse" | "hang";
  /** Waits until the spans of an invocation meet the condition. */
  waitFor(
    invocationId: string,
    condition: (spans: readonly ReceivedSpan[]) => boolean,
    timeoutMs?: number,
  ): Promise<readonly ReceivedSpan[]>;
  of(invocationId: string): readonly ReceivedSpan[];
  close(): Promise<void>;
}

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const binary: Buffer[] = [];
  const headers: IncomingMessage["headers"][] = [];
  const state: { mode: OtlpReceiver["mode"] } = { mode: "answer" };
  const server = await listen(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const isJson = request.headers["content-type"] === "application/json";
    if (isJson && state.mode === "hang") return;
    if (isJson && state.mode === "refuse") {
      response.writeHead(503).end();
      return;
    }
    if (isJson) {
      headers.push(request.headers);
      spans.push(...read(JSON.parse(body.toString("utf8")) as Request));
    } else binary.push(body);
    response.writeHead(200, { "content-type": request.headers["content-type"] });
    response.end(isJson ? "{}" : "");
  });
  const of = (id: string): ReceivedSpan[] =>
    spans.filter(({ attributes }) => attributes["restate.invocation.id"] === id);
  return {
    ...server,
    spans,
    binary,
    headers,
    get mode() {
      return state.mode;
    },
    set mode(mode) {
      state.mode = mode;
    },
    of,
    waitFor: async (id, condition, timeoutMs = 10_000) => {
      await waitUntil("Waited for spans", () => condition(of(id)), { timeoutMs, everyMs: 5 }).catch(
        (error: unknown) => {
          throw new Error(
            `Waited for spans; there are ${of(id)
              .map(({ name }) => name)
              .join(", ")}`,
            { cause: error },
          );
        },
      );
      return of(id);
    },
  };
}

interface Request {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}
interface KeyValue {
  readonly key: string;
  readonly value: Value;
}
interface Value {
  readonly stringValue?: string;
  readonly intValue?: string;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
  readonly arrayValue?: { readonly values: readonly Value[] };
}
interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly KeyValue[];
  readonly links?: readonly { readonly spanId: string }[];
  readonly status?: { readonly code: number; readonly message?: string };
}

function read({ resourceSpans }: Request): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        traceId: span.traceId,
        spanId: span.spanId,
        ...(span.parentSpanId === undefined ? {} : { parentSpanId: span.parentSpanId }),
        name: span.name,
        kind: span.kind,
        startMs: Number(span.startTimeUnixNano) / 1e6,
        endMs: Number(span.endTimeUnixNano) / 1e6,
        attributes: readAttributes(span.attributes),
        resource: readAttributes(resource.attributes),
        isError: span.status?.code === 2,
        errorMessage: span.status?.message,
        links: (span.links ?? []).map(({ spanId }) => spanId),
      })),
    ),
  );
}

function readAttributes(attributes: readonly KeyValue[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, readValue(value)]));
}

function readValue({ stringValue, intValue, doubleValue, boolValue, arrayValue }: Value): unknown {
  if (arrayValue !== undefined) return arrayValue.values.map(readValue);
  return stringValue ?? boolValue ?? doubleValue ?? Number(intValue);
}
