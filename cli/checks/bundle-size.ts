/** How big the Worker is, and what of it is ours. */
import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { gzipSync } from "node:zlib";
import type { CommandResult } from "./run-command.ts";

/** Bytes of what a deployment uploads. */
export interface BundleSize {
  readonly bytes: number;
  readonly gzip: number;
}

/** The most that a bundle may have, in KiB after gzip. */
export const BUDGET_KIB = { whole: 1_000, ours: 100 } as const;

const UPLOADED: ReadonlySet<string> = new Set([".js", ".mjs", ".wasm"]);

/** Size of the modules in `folder`, which is what `wrangler deploy --outdir` wrote; source maps do not count. */
export function sizeOfBundle(folder: string): BundleSize {
  const files = readdirSync(folder).filter((file) => UPLOADED.has(extname(file)));
  const contents = files.map((file) => readFileSync(join(folder, file)));
  return {
    bytes: contents.reduce((sum, content) => sum + content.length, 0),
    gzip: contents.reduce((sum, content) => sum + gzipSync(content).length, 0),
  };
}

/**
 * Holds a bundle against the budget. `plain` is the size of a Worker that does the same with the AI SDK, the Restate SDK
 * and Hono alone, and what is on top of it is ours: the modules of `src/` and `routes/`, and what only they need of the
 * dependencies. Our modules' own sizes would leave that out.
 */
export function judgeSize(whole: BundleSize, plain: BundleSize): CommandResult & { readonly note: string } {
  const ours = whole.gzip - plain.gzip;
  const note = `${kib(whole.bytes)} KiB, gzip ${kib(whole.gzip)} KiB, of which ours ${kib(ours)} KiB`;
  const excess = [
    tooMuch("The Worker", whole.gzip, BUDGET_KIB.whole),
    tooMuch("What is ours in the Worker", ours, BUDGET_KIB.ours),
  ].filter((text) => text !== undefined);
  return { ok: excess.length === 0, output: [note, ...excess].join("\n"), note };
}

function tooMuch(what: string, bytes: number, limitKib: number): string | undefined {
  if (bytes <= limitKib * 1_024) return undefined;
  return `${what} has ${kib(bytes)} KiB after gzip, more than ${limitKib} KiB`;
}

function kib(bytes: number): string {
  return (bytes / 1_024).toFixed(1);
}
