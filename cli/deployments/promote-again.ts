/** Lets the app's own URL serve an earlier version of its Worker again. */
import { runWrangler } from "../cloudflare/wrangler.ts";
import { ownUrl } from "../project/own-url.ts";
import { EXIT } from "../tool/exit-codes.ts";
import { projectOf, type Tool } from "../tool/tool.ts";
import { ToolError } from "../tool/tool-error.ts";
import { mainUrlOfUri } from "./main-url.ts";
import type { Platform } from "./metadata.ts";
import type { RollbackTarget } from "./rollback.ts";
import type { VersionHealth } from "./version-health.ts";
import { waitUntilServed } from "./wait-served.ts";
import { shortVersion } from "./words.ts";

/** What became of the app's own URL. */
export interface Promotion {
  /** `skipped`: for `reason`. `promoted`: and it answers so at `url`, where that is known. */
  readonly state: "promoted" | "skipped";
  readonly url?: string | undefined;
  readonly reason?: string | undefined;
}

/** Cloudflare says that a promotion takes effect within seconds everywhere. */
const WAIT_MS = 60_000;

const WHY_NOT: Readonly<Record<Exclude<Platform, "version-url">, string>> = {
  "worker-per-version":
    "the app's own Worker has the newer code still, which Restate does not call; to change it, check out the version's commit and deploy",
  "deno-deploy":
    "the app's own address serves the newer code still; to change it, check out the version's commit and deploy, or lock an older revision in Deno Deploy's dashboard",
  url: "whoever runs the app decides what its own URL serves",
};

/**
 * Promotes it. Restate has registered it by then, so running the command again goes on here.
 *
 * @throws ToolError `wrangler-failed`, `not-promoted`
 */
export async function promoteAgain(tool: Tool, target: RollbackTarget, given: string | undefined): Promise<Promotion> {
  const { facts, uri } = target;
  if (facts.platform !== "version-url") {
    return { state: "skipped", reason: WHY_NOT[facts.platform] };
  }
  const project = await projectOf(tool);
  const { version, worker = project.worker.name } = facts;
  await tool.reporter.step(`Promoting version ${shortVersion(version)}`, () =>
    runWrangler(tool, project, { args: ["versions", "deploy", `${version}@100%`, "--yes", "--name", worker] }),
  );
  const url = given ?? ownUrl(project.worker, mainUrlOfUri(uri, facts));
  if (url === undefined) return { state: "promoted" };
  await tool.reporter.step(`${url} serves it`, async (step) => {
    const update = (text: string): void => step.update(text);
    const health = await waitUntilServed({ url, version, timeoutMs: WAIT_MS, signal: tool.signal, update });
    if (health.state !== "ok") throw notPromoted(url, version, health);
  });
  return { state: "promoted", url };
}

function notPromoted(url: string, version: string, health: VersionHealth): ToolError {
  return new ToolError({
    code: "not-promoted",
    message: `${url} does not serve version ${shortVersion(version)} after ${WAIT_MS / 1_000} s: it ${health.detail ?? health.state}`,
    hint: "New invocations go to the version already; run the command again, or look at the Worker's deployments",
    exitCode: EXIT.remote,
    details: { url, version, health },
  });
}
