import type { SpanExporter } from "../../src/telemetry/span.ts";
import { isInvalidSetting, type Settings } from "../settings.ts";
import { exporterOf } from "../telemetry.ts";
import { type Finding, pass, skip } from "./check.ts";

/** Whether the settings name a receiver of traces. A mistake in them is told, but fails nothing: the agents work. */
export function checkTelemetry(settings: Settings, own: SpanExporter | false | undefined): Finding {
  if (own !== undefined) return skip("The settings do not say where traces go: the app does");
  try {
    const isOn = exporterOf(settings, "") !== undefined;
    return isOn
      ? pass("Traces go where OTEL_EXPORTER_OTLP_ENDPOINT says")
      : skip("OTEL_EXPORTER_OTLP_ENDPOINT is not set");
  } catch (error) {
    if (isInvalidSetting(error)) return skip(`Traces are off: ${error.message}`);
    throw error;
  }
}
