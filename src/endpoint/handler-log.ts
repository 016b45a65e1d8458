/**
 * The lines that the SDK and `ctx.console` write. Like the SDK's own, but without the key of a virtual object: callers
 * choose it, so it may hold personal data, or line breaks that forge lines.
 */
import { unveiled } from "../encryption/veil.ts";
import type { createEndpointHandler } from "../restate.ts";

type HandlerLog = NonNullable<Parameters<typeof createEndpointHandler>[0]["logger"]>;
type Level = "trace" | "debug" | "info" | "warn" | "error";

const LEVELS: readonly Level[] = ["trace", "debug", "info", "warn", "error"];

/** Writes to the console what is at least of the level in `RESTATE_LOGGING` (default `INFO`), and nothing of replays. */
export const handlerLog: HandlerLog = ({ level, replaying, context }, ...values) => {
  if (replaying || LEVELS.indexOf(level) < leastLevel()) return;
  const where = context === undefined ? "" : `[${context.serviceName}/${context.handlerName}][${context.invocationId}]`;
  console[level](`[restate]${where} ${level.toUpperCase()}:`, ...(values as readonly unknown[]).map(unveiled));
};

function leastLevel(): number {
  const name = globalThis.process?.env?.["RESTATE_LOGGING"]?.toLowerCase() ?? "";
  const index = LEVELS.indexOf(name as Level);
  return index < 0 ? LEVELS.indexOf("info") : index;
}
