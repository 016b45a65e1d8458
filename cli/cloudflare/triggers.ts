/** What belongs to a Worker and to none of its versions: whether it and they have addresses, routes, schedules, queues. */
import type { Project } from "../project/project.ts";
import type { Tool } from "../tool/tool.ts";
import { runWrangler } from "./wrangler.ts";

/**
 * Sets them as wrangler's configuration says. An upload of a version does not, and a first deployment that was cut off after
 * its upload has not: then the Worker is there, and neither it nor its versions have an address.
 */
export async function applyTriggers(tool: Tool, project: Project, worker: string): Promise<void> {
  await runWrangler(tool, project, { args: ["triggers", "deploy", "--name", worker] });
}

/** Things in a resolved configuration that only one Worker can have. */
export function exclusiveIn(config: unknown): string[] {
  const { route, routes, triggers, queues } = config as {
    readonly route?: unknown;
    readonly routes?: readonly unknown[];
    readonly triggers?: { readonly crons?: readonly unknown[] };
    readonly queues?: { readonly consumers?: readonly unknown[] };
  };
  return [
    ...(route !== undefined || (routes?.length ?? 0) > 0 ? ["routes"] : []),
    ...((triggers?.crons?.length ?? 0) > 0 ? ["crons"] : []),
    ...((queues?.consumers?.length ?? 0) > 0 ? ["queues"] : []),
  ];
}
