import { bundle } from "./bundle.ts";
import { asOne, type Check } from "./check.ts";
import { denoTests, denoTypes } from "./deno.ts";
import { manifests } from "./manifests.ts";
import { publishedPackage } from "./package.ts";
import { page } from "./page.ts";
import { runCommand } from "./run-command.ts";
import { toolOf } from "./tools.ts";
import { vitestProject } from "./vitest.ts";

/** A check that is one or more runs of a tool. */
function tool(name: string, about: string, ...runs: readonly (readonly [string, ...string[]])[]): Check {
  const run = async (): Promise<Awaited<ReturnType<Check["run"]>>> => {
    const results = [];
    for (const [command, ...args] of runs) results.push(await runCommand(toolOf(command, binOf(command)), args));
    return asOne(results);
  };
  return { name, about, run };
}

/** A check during which another one runs. */
const beside = (name: string, check: Check): Check => ({ ...check, beside: name });

const binOf = (packageName: string): string => (packageName === "typescript" ? "tsc" : packageName);

/** Every check, the quick ones first. */
export const CHECKS: readonly Check[] = [
  tool("format", "oxfmt --check", ["oxfmt", "--check"]),
  tool("lint", "oxlint, with types", ["oxlint", "--type-aware", "--deny-warnings"]),
  tool(
    "types",
    "tsc; the published sources with isolated declarations",
    ["typescript", "-p", "."],
    ["typescript", "-p", "tsconfig.build.json"],
  ),
  manifests,
  vitestProject("unit", "vitest on Node"),
  beside("deno-types", vitestProject("workers", "vitest inside workerd")),
  denoTypes,
  denoTests,
  beside(
    "browser",
    vitestProject("e2e", "real restate-server, wrangler dev, deno serve; what is about time, one file after another"),
  ),
  vitestProject("browser", "the playground in headless Chromium, on real Restate and workerd"),
  vitestProject("e2e-pairs", "the rest of it, some files at once", "e2e"),
  vitestProject("conversations", "sessions, live streams and approvals on the same", "e2e"),
  vitestProject("examples", "every story of examples/ on Workers and a real restate-server"),
  beside(
    "encrypted",
    vitestProject("e2e-cloud", "some of it on Workers, Restate behind TLS and tokens, signing", "e2e"),
  ),
  vitestProject("encrypted", "some of it on Workers, with encrypted journals", "e2e"),
  vitestProject("crash", "the same, with SIGKILL"),
  vitestProject("ship", "the tool and real wrangler, against look-alikes of Cloudflare and Restate Cloud"),
  page,
  tool("knip", "no unused files, exports, dependencies", ["knip"]),
  publishedPackage,
  bundle,
];

/** Checks that run only when they are named. */
export const CHECKS_ON_REQUEST: readonly Check[] = [
  vitestProject("cloud", "end to end, Restate behind TLS and tokens, signing", "e2e"),
  vitestProject("encrypted-more", "end to end and with SIGKILL, with encrypted journals", "e2e"),
  vitestProject("ship-more", "deploy interrupted at each of its steps; doctor; operating what was deployed", "ship"),
];
