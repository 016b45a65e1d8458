import { readFileSync, rmSync } from "node:fs";

import { sdksIn } from "../cloudflare/bundle.ts";
import { inRoot } from "../stack/paths.ts";
import { runBundle } from "./bundle-runs.ts";
import { judgeSize, sizeOfBundle } from "./bundle-size.ts";
import { asOne, type Check } from "./check.ts";
import { hasFiles } from "./find-files.ts";
import { type CommandResult, runCommand } from "./run-command.ts";
import { toolOf } from "./tools.ts";

const OUTDIR = ".wrangler/bundle";
const META = `${OUTDIR}/bundle-meta.json`;
const PLAIN_WORKER = "test/fixtures/plain/worker.ts";
const PLAIN_OUTDIR = ".wrangler/bundle-plain";
const AGENTS_WORKER = "test/fixtures/agents-alone/worker.ts";
const AGENTS_OUTDIR = ".wrangler/bundle-agents";
const CONVERSATIONS_WORKER = "test/fixtures/sessions-alone/worker.ts";
const CONVERSATIONS_OUTDIR = ".wrangler/bundle-conversations";

/** Builds the Worker as a deployment would, weighs it, looks into it, and runs it. */
export const bundle: Check = {
  name: "bundle",
  about: "wrangler deploy --dry-run; the bundle holds one Restate SDK, is within its budget, and runs",
  run: async () => {
    if (!hasFiles("entry/worker.ts")) return { status: "skipped", reason: "no entry/worker.ts yet" };
    const build = await dryRun(OUTDIR, "--metafile", META);
    const plain = await dryRun(PLAIN_OUTDIR, PLAIN_WORKER);
    const agents = await dryRun(AGENTS_OUTDIR, AGENTS_WORKER);
    const conversations = await dryRun(CONVERSATIONS_OUTDIR, CONVERSATIONS_WORKER);
    const builds = [build, plain, agents, conversations];
    if (builds.some(({ ok }) => !ok)) return asOne(builds);
    const size = judgeSize({
      plain: sizeOfBundle(inRoot(PLAIN_OUTDIR)),
      agents: sizeOfBundle(inRoot(AGENTS_OUTDIR)),
      conversations: sizeOfBundle(inRoot(CONVERSATIONS_OUTDIR)),
      whole: sizeOfBundle(inRoot(OUTDIR)),
    });
    const sdk = judgeSdks(readFileSync(inRoot(META), "utf8"));
    const ran = await runBundle(inRoot(`${OUTDIR}/worker.js`));
    return asOne([build, sdk, size, ran], size.note);
  },
};

async function dryRun(outdir: string, ...more: readonly string[]): Promise<CommandResult> {
  rmSync(inRoot(outdir), { recursive: true, force: true });
  return runCommand(toolOf("wrangler"), ["deploy", "--dry-run", "--outdir", outdir, ...more]);
}

/** Two SDKs would mean two `TerminalError` classes. */
function judgeSdks(metafile: string): CommandResult {
  const sdks = sdksIn(metafile);
  const ok = sdks.length === 1 && sdks[0]?.endsWith("restate-sdk-cloudflare-workers") === true;
  const found = sdks.join(", ") || "none";
  return { ok, output: `Restate SDKs in the bundle: ${found} (wanted: restate-sdk-cloudflare-workers alone)` };
}
