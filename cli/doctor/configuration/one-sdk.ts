import { buildBundle } from "../../cloudflare/bundle.ts";
import { wranglerReason } from "../../cloudflare/wrangler-reason.ts";
import { ToolError } from "../../tool/tool-error.ts";
import { type DoctorCheck, fail, type Finding, pass, skip, warn } from "../check.ts";
import { configLines, configName, type Facts } from "../facts/facts.ts";

const ON_WORKERS = "@restatedev/restate-sdk-cloudflare-workers";

/** Whether the bundle has one Restate SDK. With two, each has its own `TerminalError`, which the other retries for ever. */
export const oneSdk: DoctorCheck = {
  id: "one-sdk",
  group: "Project",
  about: "the Worker can be bundled, with one Restate SDK in it",
  timeoutMs: 120_000,
  run: async (facts) => {
    const project = facts.project();
    if (project.worker.main === undefined) return skip(`${configName(facts)} has no main`);
    try {
      return judge((await buildBundle(facts.tool, project)).sdks, facts);
    } catch (error) {
      if (!(error instanceof ToolError) || error.code !== "wrangler-failed") throw error;
      return fail(`The Worker cannot be bundled: ${wranglerReason(error.message)}`, "npx wrangler deploy --dry-run");
    }
  },
};

function judge(sdks: readonly string[], facts: Facts): Finding {
  const [sdk, ...others] = sdks;
  if (sdk === undefined) {
    return warn("No Restate SDK is in the bundle: nothing durable is served.", `Check main in ${configName(facts)}`);
  }
  if (others.length === 0) return pass(`${nameOf(sdk)} alone`);
  const names = new Set(sdks.map(nameOf));
  if (names.size === 1) {
    return fail(`The bundle holds ${sdks.length} copies of ${nameOf(sdk)}: ${sdks.join(", ")}.`, "npm dedupe");
  }
  return fail(
    `The bundle holds two Restate SDKs, ${[...names].join(" and ")}: an error of one is not known to the other, which retries it for ever. Make every import lead to one:`,
    ...configLines(facts, { alias: { "@restatedev/restate-sdk": `./node_modules/${ON_WORKERS}/dist/index.js` } }),
  );
}

function nameOf(folder: string): string {
  return folder.replace(/^.*node_modules\//, "");
}
