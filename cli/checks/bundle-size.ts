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

/** The most that a bundle may have, in KiB after gzip; the whole: 1,000 and what conversations may add. */
export const BUDGET_KIB = { whole: 1_040, agents: 60, conversations: 40 } as const;

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

/** Four Workers, each with more than the one before. */
export interface BundleSizes {
  /** With the AI SDK, the Restate SDK and Hono alone: not durable. */
  readonly plain: BundleSize;
  /** With durable agents, and nothing else of this library. */
  readonly agents: BundleSize;
  /** With sessions, too: live streams and approvals. */
  readonly conversations: BundleSize;
  /** The reference Worker: with the HTTP face, too. */
  readonly whole: BundleSize;
}

/**
 * Holds the bundles against the budget. What is on top of the smaller one is ours, and what only it needs of the
 * dependencies. Our modules' own sizes would leave that out.
 */
export function judgeSize({
  plain,
  agents,
  conversations,
  whole,
}: BundleSizes): CommandResult & { readonly note: string } {
  const durable = agents.gzip - plain.gzip;
  const talk = conversations.gzip - agents.gzip;
  const ours = [`${kib(durable)} KiB for agents`, `${kib(talk)} for conversations`];
  const face = `${kib(whole.gzip - conversations.gzip)} for the HTTP face`;
  const note = `${kib(whole.bytes)} KiB, gzip ${kib(whole.gzip)} KiB, of which ours ${[...ours, face].join(", ")}`;
  const excess = [
    tooMuch("The Worker", whole.gzip, BUDGET_KIB.whole),
    tooMuch("What is ours for agents", durable, BUDGET_KIB.agents),
    tooMuch("What is ours for conversations", talk, BUDGET_KIB.conversations),
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
