/** `npm start`: the whole stack of this repository on this machine; Deno instead of wrangler dev with `--deno`. */
import { buildPage } from "./page/build-page.ts";
import { runDevelopment } from "./stack/development.ts";
import { untilSignal } from "./stack/until-signal.ts";
import { ROOT } from "./stack/paths.ts";

const deno = process.argv.includes("--deno");
const signal = untilSignal();
try {
  await buildPage();
} catch (error) {
  // Everything else works without it.
  console.error(`Cannot build the playground: ${error instanceof Error ? error.message : String(error)}`);
}
process.exit(await runDevelopment({ folder: ROOT, deno, signal }));
