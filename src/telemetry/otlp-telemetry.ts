import { DefinitionError } from "../errors/definition-error.ts";
import { otlpTraces } from "./otlp-json.ts";
import { SpanExportError } from "./request-spans.ts";
import type { SpanAttributes, SpanExporter } from "./span.ts";

/** Where spans go, and what is said of who made them. */
export interface OtlpTelemetryOptions {
  /** Base URL of the receiver, such as `https://otlp.example.com`; `/v1/traces` is appended. */
  readonly endpoint: string;
  /** Headers of each request, such as a token. */
  readonly headers?: Readonly<Record<string, string>>;
  /** `service.name`. Default: that of `resource`, then `restate-edge-agents`. */
  readonly serviceName?: string;
  /** `service.version`. Default: that of `resource`. */
  readonly serviceVersion?: string | undefined;
  /** More attributes of the resource. */
  readonly resource?: SpanAttributes;
}

/**
 * Exports spans over OTLP/HTTP, as JSON (https://opentelemetry.io/docs/specs/otlp/#otlphttp). The settings
 * `OTEL_EXPORTER_OTLP_ENDPOINT` and `OTEL_EXPORTER_OTLP_HEADERS` make one; pass your own to
 * `createEdgeApp({ telemetry })` to set more.
 *
 * @throws DefinitionError when `endpoint` is not an HTTP URL, or a header is none.
 */
export function otlpTelemetry(options: OtlpTelemetryOptions): SpanExporter {
  const { "service.name": givenName = "restate-edge-agents", "service.version": givenVersion } = options.resource ?? {};
  const { serviceName = givenName, serviceVersion = givenVersion } = options;
  const url = tracesUrl(options.endpoint);
  const headers = headersOf(options.headers ?? {});
  const resource = { ...options.resource, "service.name": serviceName, "service.version": serviceVersion };
  return {
    export: async (spans, { signal }) => {
      const body = JSON.stringify(otlpTraces(spans, resource));
      // A token in a header must not follow to another host.
      const response = await send(url, { method: "POST", headers, body, signal, redirect: "manual" });
      await response.body?.cancel();
      if (!response.ok) throw new SpanExportError(`${url.host} answered ${response.status}`);
    },
  };
}

async function send(url: URL, request: RequestInit): Promise<Response> {
  try {
    return await fetch(url, request);
  } catch (error) {
    throw new SpanExportError(`${url.host} cannot be reached`, { cause: error });
  }
}

function tracesUrl(endpoint: string): URL {
  if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol)) {
    throw new DefinitionError("Cannot export spans: endpoint must be an HTTP URL, such as https://otlp.example.com");
  }
  const url = new URL(endpoint);
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/v1/traces`;
  return url;
}

function headersOf(own: Readonly<Record<string, string>>): Headers {
  try {
    const headers = new Headers({ ...own });
    headers.set("content-type", "application/json");
    return headers;
  } catch {
    throw new DefinitionError("Cannot export spans: a header has a name or a value that HTTP does not allow");
  }
}
