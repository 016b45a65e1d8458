/** How a Worker's versions are kept apart. */
import type { DeployOptions, Strategy } from "../deploy/options.ts";
import type { WorkerConfig } from "../project/project.ts";
import { usageError } from "../tool/tool-error.ts";

/** A strategy, and why. */
export interface ChosenStrategy {
  readonly strategy: Strategy;
  /** Undefined: it is the usual one, or was asked for. */
  readonly reason?: string | undefined;
}

type Asked = Pick<DeployOptions, "strategy" | "logs">;

/** @throws ToolError `strategy` when what is asked for cannot work. */
export function chooseStrategy({ strategy, logs }: Asked, { hasDurableObjects }: WorkerConfig): ChosenStrategy {
  if (strategy === "version-url" && hasDurableObjects) {
    throw usageError(
      "strategy",
      "Cannot deploy to version URLs: a Worker that implements a Durable Object has none",
      "Leave --strategy out, or move the Durable Object to a Worker of its own and bind it with script_name",
    );
  }
  if (strategy === "version-url" && logs) {
    throw usageError(
      "strategy",
      "Cannot deploy to version URLs with --logs: they have no Workers Logs",
      "Leave one out",
    );
  }
  if (strategy !== undefined) return { strategy };
  if (hasDurableObjects) {
    return { strategy: "worker-per-version", reason: "a Worker that implements a Durable Object has no version URLs" };
  }
  if (logs) return { strategy: "worker-per-version", reason: "version URLs have no Workers Logs" };
  return { strategy: "version-url" };
}
