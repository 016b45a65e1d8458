import { globSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { inRoot } from "../stack/paths.ts";
import { asOne, type Check } from "./check.ts";
import { hasFiles } from "./find-files.ts";
import { runCommand } from "./run-command.ts";
import { toolOf } from "./tools.ts";

const OUTDIR = ".wrangler/bundle";
const META = `${OUTDIR}/bundle-meta.json`;

/** Builds the Worker as a deployment would, and looks into it. Two SDKs would mean two `TerminalError` classes. */
export const bundle: Check = {
  name: "bundle",
  about: "wrangler deploy --dry-run; the bundle holds one Restate SDK",
  run: async () => {
    if (!hasFiles("entry/worker.ts")) return { status: "skipped", reason: "no entry/worker.ts yet" };
    rmSync(inRoot(OUTDIR), { recursive: true, force: true });
    const flags = ["--dry-run", "--outdir", OUTDIR, "--metafile", META];
    const build = await runCommand(toolOf("wrangler"), ["deploy", ...flags]);
    if (!build.ok) return asOne([build]);
    const sdks = bundledSdks(readFileSync(inRoot(META), "utf8"));
    const ok = sdks.length === 1 && sdks[0] === "restate-sdk-cloudflare-workers";
    const found = `Restate SDKs in the bundle: ${sdks.join(", ") || "none"} (wanted: restate-sdk-cloudflare-workers alone)`;
    return asOne([build, { ok, output: found }], describeSize());
  },
};

/** Names of the SDK packages whose code got into the bundle; types and unused modules do not count. */
function bundledSdks(metafile: string): string[] {
  const meta = JSON.parse(metafile) as {
    outputs: Record<string, { inputs: Record<string, { bytesInOutput: number }> }>;
  };
  const inputs = Object.values(meta.outputs).flatMap((output) => Object.entries(output.inputs));
  const names = inputs.flatMap(([path, { bytesInOutput }]) => {
    const name = /node_modules\/@restatedev\/(restate-sdk(?:-cloudflare-workers)?)\//.exec(path)?.[1];
    return name === undefined || bytesInOutput === 0 ? [] : [name];
  });
  return [...new Set(names)].toSorted();
}

function describeSize(): string {
  const files = globSync("*.{js,wasm}", { cwd: inRoot(OUTDIR) });
  const contents = files.map((file) => readFileSync(join(inRoot(OUTDIR), file)));
  const sum = (sizes: readonly number[]): string => `${Math.round(sizes.reduce((a, b) => a + b, 0) / 1024)} KiB`;
  return `${sum(contents.map((c) => c.length))}, gzip ${sum(contents.map((c) => gzipSync(c).length))}`;
}
