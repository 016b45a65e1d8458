import { EdgeAgentError } from "../../src/errors/edge-agent-error.ts";
import { RestateUnreachableError } from "../../src/errors/restate-unreachable-error.ts";
import { deploy as run, type DeployResult } from "../deploy/deploy.ts";
import { declareDeploy, type DeployFlags, deployOptions } from "../deploy/options.ts";
import type { DeployContext } from "../deploy/platform-deployer.ts";
import { deployerFor } from "../deploy/platforms.ts";
import { StepLog } from "../deploy/step-log.ts";
import { shortVersion } from "../deployments/words.ts";
import { adminClientOf, requireUrl } from "../project/restate-settings.ts";
import type { CommandDefinition } from "../tool/command.ts";
import { EXIT } from "../tool/exit-codes.ts";
import type { Reporter } from "../tool/reporter.ts";
import { restateOfProject, type Tool } from "../tool/tool.ts";
import { ToolError } from "../tool/tool-error.ts";

export const deploy: CommandDefinition<DeployFlags, DeployResult> = {
  name: "deploy",
  about: "uploads a version, registers it with Restate, tries it out, and promotes it; run again, it goes on",
  declare: declareDeploy,
  run: runDeploy,
  show: showDeploy,
};

async function runDeploy(tool: Tool, flags: DeployFlags): Promise<DeployResult> {
  const options = deployOptions(flags);
  const restate = await restateOfProject(tool);
  requireUrl(restate.adminUrl, "admin");
  if (options.smoke !== "none") requireUrl(restate.ingressUrl, "ingress");
  const log = new StepLog(tool.reporter, tool.signal);
  const context: DeployContext = { tool, options, restate, admin: adminClientOf(restate), log };
  try {
    return await run(context, deployerFor(tool, options));
  } catch (error) {
    throw withFacts(error, log);
  }
}

/** A failure tells how far the deployment came. */
function withFacts(error: unknown, { facts, records: steps }: StepLog): unknown {
  if (error instanceof ToolError) {
    const { code, message, hint, exitCode } = error;
    return new ToolError({
      code,
      message,
      hint,
      exitCode,
      details: { ...facts, ...error.details, steps },
      cause: error,
    });
  }
  if (!EdgeAgentError.isInstance(error) && !(error instanceof RestateUnreachableError)) return error;
  return new ToolError({
    code: error.errorCode,
    message: error.message,
    hint: "Run this again when the cause is gone: it goes on from there",
    exitCode: EXIT.remote,
    details: { ...facts, steps },
    cause: error,
  });
}

function showDeploy(result: DeployResult, reporter: Reporter): void {
  const { app, outcome, version = "", deploymentId, mainUrl, url, plan = [], smoke } = result;
  reporter.info("");
  if (outcome === "planned") {
    reporter.info(version === "" ? `${app}: deploy would` : `${app}: version ${version} is uploaded; deploy would`);
    for (const line of plan) reporter.info(`  - ${line}`);
    return;
  }
  if (outcome === "unchanged") {
    reporter.info(`Nothing to do: version ${shortVersion(version)} of ${app} is live, with the same code and settings`);
    if (smoke === undefined) reporter.info("--again uploads another version of it");
    return;
  }
  reporter.info(`${app} ${shortVersion(version)} is live`);
  const rows = [
    ["  version", version],
    ["  its URL", url ?? ""],
    ["  deployment", deploymentId ?? ""],
    ["  app", mainUrl ?? ""],
  ];
  reporter.table(rows.filter(([, value]) => value !== ""));
  reporter.info(
    "Runs in flight stay on the versions that they began on: `status` shows them, `prune` removes what is drained",
  );
}
