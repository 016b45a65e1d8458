/**
 * The AI SDK makes telemetry events of every step, also when nobody receives them, and a replayed step makes them again.
 * Without a receiver they are switched off: on Workers they took a tenth of a run's CPU time.
 */
import { AI_SDK_TELEMETRY_TRACING_CHANNEL, type TelemetryOptions } from "ai";
import type { AgentRun } from "./agent-run.ts";
import { LiveEvents } from "./live-integrations.ts";

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

/**
 * The telemetry settings of a run: off, if nobody would receive anything; otherwise with integrations that are not told
 * what replays repeat (live-integrations.ts).
 */
export function runTelemetry(settings: Readonly<Record<string, unknown>>, run: AgentRun): object {
  const own = telemetrySettings(settings);
  if (own?.isEnabled === false) return {};
  const integrations = own?.integrations ?? globalThis.AI_SDK_TELEMETRY_INTEGRATIONS ?? [];
  const all = Array.isArray(integrations) ? integrations : [integrations];
  if (all.length === 0) return hasSubscribers() ? {} : { telemetry: { ...own, isEnabled: false } };
  const events = new LiveEvents(run.place);
  run.events = events;
  return { telemetry: { ...own, integrations: all.map((integration) => events.wrap(integration)) } };
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
