/**
 * `npm start`: the whole stack of this repository on this machine; Deno instead of wrangler dev with `--deno`, the Worker of
 * examples/ instead of the app with `--examples`.
 */
import { buildPage } from "./page/build-page.ts";
import { runDevelopment } from "./stack/development.ts";
import { untilSignal } from "./stack/until-signal.ts";
import { ROOT } from "./stack/paths.ts";

const deno = process.argv.includes("--deno");
const entry = process.argv.includes("--examples") ? "examples/worker.ts" : undefined;
const signal = untilSignal();
try {
  await buildPage();
} catch (error) {
  // Everything else works without it.
  console.error(`Cannot build the playground: ${error instanceof Error ? error.message : String(error)}`);
}
process.exit(await runDevelopment({ folder: ROOT, entry, deno, signal }));
