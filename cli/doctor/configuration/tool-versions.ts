import { readFileSync } from "node:fs";
import { join } from "node:path";
import { wranglerScriptOf } from "../../project/project.ts";
import { type DoctorCheck, fail, pass, warn } from "../check.ts";
import { isOlder } from "../versions.ts";

const MIN_NODE = "22.12.0";
/** It reads the URLs of versions from the Worker itself. */
const MIN_WRANGLER = "4.136.1";
const OLDEST_WRANGLER = "4.0.0";

/** Whether Node and wrangler are new enough. */
export const toolVersions: DoctorCheck = {
  id: "tool-versions",
  group: "Project",
  about: "Node and wrangler are new enough",
  run: (facts) => {
    const node = process.versions.node;
    if (isOlder(node, MIN_NODE)) return fail(`Node ${node} is too old: ${MIN_NODE} is needed.`, "nvm install 24");
    if (!facts.hasProject) return pass(`Node ${node}`);
    const wrangler = wranglerVersion(facts.project().folder);
    const update = "npm install --save-dev wrangler@latest";
    if (isOlder(wrangler, OLDEST_WRANGLER)) return fail(`wrangler ${wrangler} is too old: 4 is needed.`, update);
    if (isOlder(wrangler, MIN_WRANGLER)) {
      return warn(`wrangler ${wrangler} may not tell the URL of a version: ${MIN_WRANGLER} does.`, update);
    }
    return pass(`Node ${node}, wrangler ${wrangler}`);
  },
};

function wranglerVersion(folder: string): string {
  const path = join(wranglerScriptOf(folder), "..", "..", "package.json");
  const { version } = JSON.parse(readFileSync(path, "utf8")) as { readonly version?: unknown };
  return String(version);
}
