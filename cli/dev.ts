/** `npm start`: the whole stack of this repository on this machine; Deno instead of wrangler dev with `--deno`. */
import { runDevelopment } from "./stack/development.ts";
import { untilSignal } from "./stack/until-signal.ts";
import { ROOT } from "./stack/paths.ts";

const deno = process.argv.includes("--deno");
process.exit(await runDevelopment({ folder: ROOT, deno, signal: untilSignal() }));
