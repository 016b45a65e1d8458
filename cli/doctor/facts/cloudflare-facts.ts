/** What Cloudflare says of the Worker, through the project's wrangler. */
import { z } from "zod";
import { isWranglerFailure } from "../../cloudflare/wrangler-failure.ts";
import { wranglerReason } from "../../cloudflare/wrangler-reason.ts";
import { runWrangler } from "../../cloudflare/wrangler.ts";
import type { Project } from "../../project/project.ts";
import type { Tool } from "../../tool/tool.ts";
import { NotKnown } from "../check.ts";
import { once } from "./once.ts";

/** The deployment of the Worker that serves its main hostname. */
export interface ActiveDeployment {
  readonly versions: readonly { readonly id: string; readonly percentage: number }[];
  /** What made it, such as `secret`, `upload`, `deployment`; undefined when Cloudflare does not tell. */
  readonly triggeredBy: string | undefined;
  /** ISO 8601 */
  readonly createdAt: string | undefined;
}

const deploymentSchema = z.object({
  created_on: z.string().optional(),
  annotations: z.looseObject({ "workers/triggered_by": z.string().optional() }).nullish(),
  versions: z.object({ version_id: z.string(), percentage: z.number() }).array(),
});

const secretsSchema = z.object({ name: z.string() }).array();

/** Longest run of wrangler, in milliseconds; it starts within one or two seconds, on a busy machine within ten. */
const WRANGLER_TIMEOUT_MS = 45_000;

/** Facts of a Worker. All throw NotKnown without a project, and without access to Cloudflare. */
export class CloudflareFacts {
  readonly #tool: Tool;
  readonly #project: Project | undefined;

  constructor(tool: Tool, project: Project | undefined) {
    this.#tool = tool;
    this.#project = project;
  }

  readonly activeDeployment = once(async (): Promise<ActiveDeployment> => {
    const found = await this.#json(["deployments", "status", "--json"], deploymentSchema);
    return {
      versions: found.versions.map(({ version_id: id, percentage }) => ({ id, percentage })),
      triggeredBy: found.annotations?.["workers/triggered_by"],
      createdAt: found.created_on,
    };
  });

  /** Names of the Worker's secrets. */
  readonly secrets = once(async (): Promise<readonly string[]> => {
    const secrets = await this.#json(["secret", "list", "--format", "json"], secretsSchema);
    return secrets.map(({ name }) => name);
  });

  async #json<T>(args: readonly string[], schema: z.ZodType<T>): Promise<T> {
    if (this.#project === undefined) throw new NotKnown("Not a Worker");
    let stdout: string;
    try {
      ({ stdout } = await runWrangler(this.#tool, this.#project, { args, timeoutMs: WRANGLER_TIMEOUT_MS }));
    } catch (error) {
      if (isWranglerFailure(error)) {
        throw new NotKnown(`Cloudflare cannot be asked: ${reasonIn(error.message)}`);
      }
      throw error;
    }
    const parsed = schema.safeParse(parse(stdout));
    if (parsed.success) return parsed.data;
    throw new NotKnown(`wrangler ${args.slice(0, 2).join(" ")} printed what is not understood`);
  }
}

function reasonIn(message: string): string {
  const isStranger = /CLOUDFLARE_API_TOKEN|not (?:logged in|authenticated)|wrangler login/i.test(message);
  return isStranger ? "set CLOUDFLARE_API_TOKEN, or run npx wrangler login" : wranglerReason(message);
}

/** Wrangler may print hints around the JSON. */
function parse(stdout: string): unknown {
  const start = stdout.search(/[[{]/);
  const end = Math.max(stdout.lastIndexOf("]"), stdout.lastIndexOf("}"));
  try {
    return JSON.parse(stdout.slice(start, end + 1));
  } catch {
    return undefined;
  }
}
