/**
 * The AI SDK makes telemetry events of every step, also when nobody receives them, and a replayed step makes them again.
 * Without a receiver they are switched off: on Workers they took a tenth of a run's CPU time.
 */
import { AI_SDK_TELEMETRY_TRACING_CHANNEL, type TelemetryOptions } from "ai";

type Channel = { readonly hasSubscribers?: boolean } | undefined;
type TracingChannel = Readonly<Record<"start" | "end" | "asyncStart" | "asyncEnd" | "error", Channel>>;
interface RuntimeWithBuiltins {
  readonly process?: {
    getBuiltinModule?(name: string): { tracingChannel?(name: string): TracingChannel } | undefined;
  };
}

let channel: TracingChannel | undefined;

/** An agent's telemetry settings, under the name of today or the former one. */
export function telemetrySettings(settings: Readonly<Record<string, unknown>>): TelemetryOptions | undefined {
  return (settings["telemetry"] ?? settings["experimental_telemetry"]) as TelemetryOptions | undefined;
}

/** The settings that switch telemetry off, if nobody would receive it. */
export function unheardTelemetry(settings: Readonly<Record<string, unknown>>): { telemetry?: { isEnabled: false } } {
  if (settings["telemetry"] !== undefined || settings["experimental_telemetry"] !== undefined) return {};
  const { AI_SDK_TELEMETRY_INTEGRATIONS: integrations = [] } = globalThis;
  return integrations.length > 0 || hasSubscribers() ? {} : { telemetry: { isEnabled: false } };
}

/** True when somebody listens on the AI SDK's channel, as tracing tools do on Node. */
function hasSubscribers(): boolean {
  channel ??= (globalThis as RuntimeWithBuiltins).process
    ?.getBuiltinModule?.("node:diagnostics_channel")
    ?.tracingChannel?.(AI_SDK_TELEMETRY_TRACING_CHANNEL);
  if (channel === undefined) return false;
  const { start, end, asyncStart, asyncEnd, error } = channel;
  return [start, end, asyncStart, asyncEnd, error].some((part) => part?.hasSubscribers === true);
}
