/** How much a browser loads of the playground. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { CommandResult } from "./run-command.ts";

/** The most that the page's scripts and styles may have together, in KiB after gzip. */
export const PAGE_BUDGET_KIB = 150;

/** Bytes after gzip of the scripts, styles and pages in a folder. */
export function sizeOfPage(folder: string): number {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const loaded = names.filter((name) => /\.(css|html|js)$/.test(name));
  return loaded.reduce((sum, name) => sum + gzipSync(readFileSync(join(folder, name))).length, 0);
}

/** Holds the page against its budget. A page of nothing was not built. */
export function judgePage(gzip: number): CommandResult & { readonly note: string } {
  const note = `the playground: ${(gzip / 1_024).toFixed(1)} KiB after gzip, of ${PAGE_BUDGET_KIB}`;
  const ok = gzip > 0 && gzip <= PAGE_BUDGET_KIB * 1_024;
  return { ok, output: ok ? note : `${note}: it must be more than nothing, and within its budget`, note };
}
