/** Versions of a Worker, and which of them its own address serves: as Cloudflare tells. */
import { z } from "zod";
import type { Project } from "../project/project.ts";
import type { Tool } from "../tool/tool.ts";
import { isNoWorker, runWrangler } from "./wrangler.ts";

/** A version. */
export interface WorkerVersion {
  readonly id: string;
  readonly tag?: string | undefined;
  /** ISO 8601 */
  readonly createdAt: string;
}

const versionsSchema = z.array(
  z.looseObject({
    id: z.string(),
    metadata: z.looseObject({ created_on: z.string() }),
    annotations: z.record(z.string(), z.unknown()).nullish(),
  }),
);

const deploymentSchema = z.looseObject({
  versions: z.array(z.looseObject({ version_id: z.string(), percentage: z.number() })),
});

/** Its newest versions, the newest first; undefined when there is no such Worker. Cloudflare lists ten. */
export async function listVersions(
  tool: Tool,
  project: Project,
  worker: string,
): Promise<readonly WorkerVersion[] | undefined> {
  const stdout = await ask(tool, project, ["versions", "list", "--name", worker, "--json"]);
  if (stdout === undefined) return undefined;
  const versions = versionsSchema.parse(JSON.parse(stdout)).map(({ id, metadata, annotations }) => {
    const tag = annotations?.["workers/tag"];
    return { id, createdAt: metadata.created_on, tag: typeof tag === "string" ? tag : undefined };
  });
  return versions.sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
}

/** The version that all requests of its own address go to; undefined when they are split, or go nowhere. */
export async function promotedVersion(tool: Tool, project: Project, worker: string): Promise<string | undefined> {
  const stdout = await ask(tool, project, ["deployments", "status", "--name", worker, "--json"]);
  if (stdout === undefined) return undefined;
  return deploymentSchema.parse(JSON.parse(stdout)).versions.find(({ percentage }) => percentage === 100)?.version_id;
}

/** True when all requests went to the version at some time. Cloudflare lists ten deployments. */
export async function wasPromoted(tool: Tool, project: Project, worker: string, version: string): Promise<boolean> {
  const stdout = await ask(tool, project, ["deployments", "list", "--name", worker, "--json"]);
  const deployments = stdout === undefined ? [] : z.array(deploymentSchema).parse(JSON.parse(stdout));
  return deployments.some(({ versions }) =>
    versions.some(({ version_id: id, percentage }) => id === version && percentage === 100),
  );
}

async function ask(tool: Tool, project: Project, args: readonly string[]): Promise<string | undefined> {
  try {
    return (await runWrangler(tool, project, { args, timeoutMs: 60_000 })).stdout;
  } catch (error) {
    if (isNoWorker(error)) return undefined;
    throw error;
  }
}
