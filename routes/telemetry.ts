/** The exporter that the settings ask for, by OpenTelemetry's standard names. */
import { EndpointError } from "../src/endpoint/restate-endpoint.ts";
import { parseKeyValues } from "../src/telemetry/key-values.ts";
import { otlpTelemetry } from "../src/telemetry/otlp-telemetry.ts";
import type { SpanExporter } from "../src/telemetry/span.ts";
import { type Settings, versionOf } from "./settings.ts";

/** What the app itself says of its telemetry. */
export interface AppTelemetry {
  /** Name of the app. */
  readonly name: string;
  readonly telemetry?: SpanExporter | false | undefined;
}

/**
 * The app's own exporter, or the one that the settings ask for.
 *
 * @throws EndpointError `invalid-settings` (503) when the headers are none.
 */
export function telemetryOf(settings: Settings, { name, telemetry }: AppTelemetry): SpanExporter | undefined {
  if (telemetry !== undefined) return telemetry === false ? undefined : telemetry;
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } = settings;
  if (endpoint === undefined) return undefined;
  try {
    return otlpTelemetry({
      endpoint,
      headers: parseKeyValues(settings.OTEL_EXPORTER_OTLP_HEADERS),
      serviceName: settings.OTEL_SERVICE_NAME ?? name,
      serviceVersion: versionOf(settings) ?? undefined,
      resource: {
        "deployment.environment.name": settings.ENVIRONMENT ?? "production",
        ...parseKeyValues(settings.OTEL_RESOURCE_ATTRIBUTES),
      },
    });
  } catch {
    throw new EndpointError("invalid-settings", "Cannot use the setting OTEL_EXPORTER_OTLP_HEADERS", 503);
  }
}

/** Differs whenever `telemetryOf` would. */
export function telemetrySettingsKey(settings: Settings): string {
  const { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES } =
    settings;
  return [
    OTEL_EXPORTER_OTLP_ENDPOINT,
    OTEL_EXPORTER_OTLP_HEADERS,
    OTEL_SERVICE_NAME,
    OTEL_RESOURCE_ATTRIBUTES,
    settings.ENVIRONMENT,
  ].join("\n");
}
