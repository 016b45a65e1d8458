/** The exporter that the settings ask for, by OpenTelemetry's standard names. */
import { parseKeyValues } from "../src/telemetry/key-values.ts";
import { otlpTelemetry } from "../src/telemetry/otlp-telemetry.ts";
import type { SpanExporter } from "../src/telemetry/span.ts";
import { invalidSetting, isInvalidSetting, type Settings, settingsKey, versionOf } from "./settings.ts";

/** What the app itself says of its telemetry. */
export interface AppTelemetry {
  /** Name of the app. */
  readonly name: string;
  readonly telemetry?: SpanExporter | false | undefined;
}

/** Those that were warned: whoever asks again must not fill the log. */
const warned = new WeakSet<AppTelemetry>();

/**
 * The app's own exporter, or the one that the settings ask for. With malformed settings there is none, and a warning: no
 * agent stops for want of traces.
 */
export function telemetryOf(settings: Settings, app: AppTelemetry): SpanExporter | undefined {
  const { name, telemetry } = app;
  if (telemetry !== undefined) return telemetry === false ? undefined : telemetry;
  try {
    return exporterOf(settings, name);
  } catch (error) {
    if (!isInvalidSetting(error)) throw error;
    if (!warned.has(app)) console.warn(`Traces are off: ${error.message}`);
    warned.add(app);
    return undefined;
  }
}

/**
 * The exporter that the settings ask for.
 *
 * @throws EndpointError `invalid-settings` (503)
 */
export function exporterOf(settings: Settings, name: string): SpanExporter | undefined {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } = settings;
  if (endpoint === undefined) return undefined;
  const options = {
    endpoint,
    headers: parseKeyValues(settings.OTEL_EXPORTER_OTLP_HEADERS),
    serviceName:
      settings.OTEL_SERVICE_NAME ?? parseKeyValues(settings.OTEL_RESOURCE_ATTRIBUTES)["service.name"] ?? name,
    serviceVersion: versionOf(settings) ?? undefined,
    resource: {
      "deployment.environment.name": settings.ENVIRONMENT ?? "production",
      ...parseKeyValues(settings.OTEL_RESOURCE_ATTRIBUTES),
    },
  };
  try {
    return otlpTelemetry(options);
  } catch {
    throw invalidSetting("OTEL_EXPORTER_OTLP_HEADERS", "a name or a value in it is none of a header");
  }
}

/** Differs whenever `telemetryOf` would. */
export function telemetrySettingsKey(settings: Settings): string {
  return settingsKey(settings, [
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_SERVICE_NAME",
    "OTEL_RESOURCE_ATTRIBUTES",
    "ENVIRONMENT",
  ]);
}
