/** Runs the tool as a user's script would: a child process, and one JSON document. */
import { resolve } from "node:path";
import type { ClerkProject } from "./clerk-project.ts";
import type { World } from "./world.ts";
import { run } from "./wrangler.ts";

const MAIN = resolve(import.meta.dirname, "../../cli/main.ts");

/** What a command ended with. */
export interface ToolResult<DOCUMENT> {
  readonly code: number | null;
  readonly document: DOCUMENT;
  /** All that it printed. */
  readonly log: string;
}

/** What the document has whatever the command. */
export interface ToolDocument {
  readonly command: string;
  readonly ok: boolean;
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string };
}

/** Runs a command in the project: `tool(world, project, ["prune", "--keep", "0"])`. It asks nothing. */
export async function tool<DOCUMENT = ToolDocument>(
  world: World,
  project: ClerkProject,
  args: readonly string[],
): Promise<ToolResult<DOCUMENT>> {
  const options = { cwd: project.folder, env: world.env, timeoutMs: 240_000 };
  const { code, stdout, log } = await run(process.execPath, [MAIN, ...args, "--json", "--yes"], options);
  try {
    return { code, log, document: JSON.parse(stdout) as DOCUMENT };
  } catch (cause) {
    throw new Error(`The tool printed no JSON document (exit code ${code}): ${log}`, { cause });
  }
}

/** What `deploy` tells. */
export interface DeployDocument extends ToolDocument {
  readonly outcome: string;
  readonly version: string;
  readonly fingerprint: string;
  readonly deploymentId: string;
}

/** Deploys the project to where the world serves versions. */
export function deploy(
  world: World,
  project: ClerkProject,
  args: readonly string[] = [],
): Promise<ToolResult<DeployDocument>> {
  return tool(world, project, ["deploy", "--version-url", world.cloudflare.versionUrlTemplate, ...args]);
}
