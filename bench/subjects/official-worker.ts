import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startChild } from "../../src/testing/child.ts";
import { packageFolder, wranglerScript } from "../../src/testing/packages.ts";
import { waitUntil } from "../../src/testing/wait.ts";
import { inBench } from "../paths.ts";

const OFFICIAL = inBench("official");

/**
 * Bundles the official Worker with wrangler; path of the bundle. An alias gives the middleware the Workers build of
 * the SDK: it imports the plain one, and its `TerminalError` would be another class than the handler's.
 *
 * @throws Error with wrangler's log when it cannot be bundled within a minute.
 */
export async function bundleOfficialWorker(folder: string): Promise<string> {
  const sdk = join(packageFolder("@restatedev/restate-sdk-cloudflare-workers", OFFICIAL), "dist/index.js");
  const config = join(folder, "official-wrangler.json");
  const out = join(folder, "official-worker");
  const settings = {
    name: "official",
    main: join(OFFICIAL, "worker.ts"),
    compatibility_date: "2026-10-01",
    compatibility_flags: ["nodejs_compat"],
    alias: { "@restatedev/restate-sdk": sdk },
  };
  await writeFile(config, JSON.stringify(settings));
  const args = [wranglerScript(), "deploy", "--config", config, "--dry-run", "--outdir", out];
  const child = startChild({ label: "wrangler deploy --dry-run", command: process.execPath, args, env: {} });
  try {
    await waitUntil("Cannot bundle the official Worker", () => !child.alive, { timeoutMs: 60_000 });
  } finally {
    await child.kill();
  }
  if (child.exit !== "exit code 0") throw new Error(`Cannot bundle the official Worker: ${child.exit}\n${child.log()}`);
  return join(out, "worker.js");
}
