/**
 * `npm start`: the whole stack of this repository on this machine; Deno instead of wrangler dev with `--deno`, the Worker of
 * examples/ instead of the app with `--examples`, or that of one story which is an app of its own: `--examples mcp`.
 */
import { exampleEntry } from "./stack/example-entry.ts";
import { buildPage } from "./page/build-page.ts";
import { runDevelopment } from "./stack/development.ts";
import { untilSignal } from "./stack/until-signal.ts";
import { ROOT } from "./stack/paths.ts";

const deno = process.argv.includes("--deno");
const signal = untilSignal();
let entry: string | undefined;
try {
  entry = exampleEntry(ROOT, process.argv);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
try {
  await buildPage();
} catch (error) {
  // Everything else works without it.
  console.error(`Cannot build the playground: ${error instanceof Error ? error.message : String(error)}`);
}
process.exit(await runDevelopment({ folder: ROOT, entry, deno, signal }));
