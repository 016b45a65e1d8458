/** Builds the playground's page from `web/` into `web/dist`, from where Workers, Deno and the package take it. */
import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { inRoot } from "../stack/paths.ts";

const CONFIG = inRoot("web/vite.config.ts");
const BUILT = inRoot("web/dist");
const PAGE = inRoot("web/dist/index.html");
/** What the page is made from. */
const SOURCES = ["web/src", "web/public", "web/index.html", "web/vite.config.ts", "package-lock.json"];

/**
 * Builds it, if something of it changed since. What was built before is removed.
 *
 * @throws Error with Vite's message when it cannot be built.
 */
export async function buildPage({ always = false }: { readonly always?: boolean } = {}): Promise<void> {
  if (!always && isCurrent()) return;
  for (const name of readdirSync(BUILT)) {
    if (name !== ".assetsignore") rmSync(`${BUILT}/${name}`, { recursive: true });
  }
  const { build } = await import("vite");
  await build({ configFile: CONFIG, logLevel: "error", mode: "production" });
}

function isCurrent(): boolean {
  if (!existsSync(PAGE)) return false;
  const builtAt = statSync(PAGE).mtimeMs;
  return SOURCES.every((path) => changedAt(inRoot(path)) < builtAt);
}

/** When a file, or the newest one in a folder, was changed last. */
function changedAt(path: string): number {
  const facts = statSync(path);
  if (!facts.isDirectory()) return facts.mtimeMs;
  return Math.max(facts.mtimeMs, ...readdirSync(path).map((name) => changedAt(`${path}/${name}`)));
}
