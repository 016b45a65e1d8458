import type { AdminClient, RegistrationReport } from "../../src/admin/index.ts";
import { requireAddressOfVersion } from "../cloudflare/version-address.ts";
import { httpUrl } from "../deploy/options.ts";
import { type AppFlags, appOf } from "../deployments/app.ts";
import { promoteAgain, type Promotion } from "../deployments/promote-again.ts";
import { listRegistered, versionsOf } from "../deployments/registered.ts";
import {
  consequences,
  dryRun,
  registerAgain,
  requireServed,
  type RollbackTarget,
  rollbackTarget,
} from "../deployments/rollback.ts";
import { smokeAfterRollback, type SmokeReport } from "../deployments/rollback-smoke.ts";
import { servedVersion } from "../deployments/served.ts";
import { count, shortVersion } from "../deployments/words.ts";
import { adminClientOf } from "../project/restate-settings.ts";
import type { CommandDefinition } from "../tool/command.ts";
import { EXIT } from "../tool/exit-codes.ts";
import type { Reporter } from "../tool/reporter.ts";
import { restateOfProject, type Tool } from "../tool/tool.ts";
import { ToolError } from "../tool/tool-error.ts";

interface RollbackFlags extends AppFlags {
  readonly to?: string;
  readonly url?: string;
  readonly versionUrl?: string;
  readonly promote: boolean;
  readonly smoke: boolean;
}

interface RollbackResult {
  readonly dryRun: boolean;
  readonly app: string;
  readonly version: string;
  readonly gitSha?: string | undefined;
  readonly uri: string;
  /** Absent in a dry run of one that Restate has forgotten. */
  readonly deploymentId?: string | undefined;
  /** Services whose new invocations go to it. */
  readonly services: readonly string[];
  /** What to know about it. */
  readonly notes: readonly string[];
  readonly smoke: SmokeReport;
  readonly promotion: Promotion;
}

export const rollback: CommandDefinition<RollbackFlags, RollbackResult> = {
  name: "rollback",
  about: "makes an earlier version the latest again",
  declare: (command) =>
    command
      .option("--app <name>", "name of the app (default: the project's Worker)")
      .option("--to <version>", "version, deployment or git sha (default: the one that was the latest before)")
      .option("--url <url>", "the app's own URL, to see that it serves the version (default: told from its versions')")
      .option(
        "--version-url <template>",
        "where versions are served, as for deploy: finds one that Restate has forgotten",
      )
      .option("--no-smoke", "invoke nothing to try it out")
      .option("--no-promote", "leave what the app's own URL serves as it is"),
  run: runRollback,
  show: showRollback,
};

/** As long as `deploy` waits. */
const SMOKE_MS = 120_000;

async function runRollback(tool: Tool, flags: RollbackFlags): Promise<RollbackResult> {
  const app = await appOf(tool, flags);
  const settings = await restateOfProject(tool);
  const admin = adminClientOf(settings);
  const versions = versionsOf(app, await listRegistered(admin));
  const versionUrl = httpUrl(flags.versionUrl, "version-url");
  if (versionUrl !== undefined) requireAddressOfVersion(versionUrl, "version-url");
  const target = rollbackTarget(flags.to, versions, await servedVersion(tool, versions, flags.url), versionUrl);
  const { reporter } = tool;
  const name = nameOfTarget(target);
  await reporter.step(`${name} answers`, () => requireServed(tool, target));
  const report = await reporter.step("What it would change", () => dryRun(admin, target), summary);
  const notes = consequences(target, report, versions);
  const { version, gitSha } = target.facts;
  const result = { app, version, gitSha, uri: target.uri, deploymentId: target.deploymentId, notes };
  if (tool.flags.dryRun) {
    const skipped = { reason: "dry run" };
    const untouched = {
      smoke: { outcome: "skipped", ...skipped },
      promotion: { state: "skipped", ...skipped },
    } as const;
    return { dryRun: true, ...result, services: namesIn(report), ...untouched };
  }
  for (const note of notes) reporter.warn(note);
  if (!(await tool.confirm(`Make ${name} the latest again?`))) {
    throw new ToolError({ code: "declined", message: "Nothing was changed", exitCode: EXIT.refused });
  }
  const { deploymentId, services } = await becomeLatest(tool, admin, target);
  const before = versions.find((one) => one.latestOf.length > 0 && one.deployment.id !== deploymentId);
  const smoke: SmokeReport = flags.smoke
    ? await smokeAfterRollback(tool, admin, settings, { deploymentId, before, timeoutMs: SMOKE_MS })
    : { outcome: "skipped", reason: "--no-smoke" };
  const promotion: Promotion = flags.promote
    ? await promoteAgain(tool, target, flags.url)
    : { state: "skipped", reason: "--no-promote" };
  return { dryRun: false, ...result, deploymentId, services, smoke, promotion };
}

async function becomeLatest(
  { reporter, signal }: Tool,
  admin: AdminClient,
  target: RollbackTarget,
): Promise<{ readonly deploymentId: string; readonly services: readonly string[] }> {
  signal.throwIfAborted();
  if (target.isLatest && target.deploymentId !== undefined) {
    const { services } = await admin.deployments.get(target.deploymentId);
    reporter.info("- Registering it again: it is the latest already");
    return { deploymentId: target.deploymentId, services: services.map(({ name }) => name) };
  }
  const registered = await reporter.step("Registering it again", () => registerAgain(admin, target), summary);
  await verifyLatest(admin, registered);
  return { deploymentId: registered.deploymentId ?? "", services: namesIn(registered) };
}

/** Measured of Restate 1.7, so it is looked at. @throws ToolError `not-the-latest` */
async function verifyLatest(admin: AdminClient, { deploymentId, services }: RegistrationReport): Promise<void> {
  const names = new Set(namesIn({ services }));
  const elsewhere = (await admin.services.list()).filter(
    (service) => names.has(service.name) && service.deploymentId !== deploymentId,
  );
  if (elsewhere.length === 0) return;
  throw new ToolError({
    code: "not-the-latest",
    message: `Restate has registered ${deploymentId ?? "it"}, but new invocations of ${elsewhere.map(({ name }) => name).join(", ")} go elsewhere`,
    hint: "Somebody may have deployed at the same time: see `status`, and run this again",
    exitCode: EXIT.remote,
  });
}

function namesIn({ services }: Pick<RegistrationReport, "services">): string[] {
  return services.flatMap(({ name, change }) => (change === "removed" ? [] : [name]));
}

function summary({ services }: RegistrationReport): string {
  return services
    .map(({ name, revision, change }) => `${name} ${change === "removed" ? "goes" : `revision ${revision}`}`)
    .join(", ");
}

function nameOfTarget({ facts, deploymentId = "forgotten by Restate" }: RollbackTarget): string {
  const git = facts.gitSha === undefined ? "" : `, git ${facts.gitSha.slice(0, 7)}`;
  return `version ${shortVersion(facts.version)} (${deploymentId}${git})`;
}

/** What is so now. */
export function showRollback(result: RollbackResult, reporter: Reporter): void {
  const { version, deploymentId, services, promotion, notes } = result;
  if (result.dryRun) {
    for (const note of notes) reporter.warn(note);
    reporter.info(`\nWould make version ${shortVersion(version)} the latest of ${services.join(", ")}`);
    return;
  }
  reporter.info(
    `\nNew invocations of ${count(services.length, "service")} go to ${shortVersion(version)} (${deploymentId ?? ""})`,
  );
  if (result.smoke.reason !== undefined) reporter.info(`Not tried out: ${result.smoke.reason}`);
  if (promotion.reason !== undefined) reporter.info(`Not promoted: ${promotion.reason}`);
  reporter.info("→ `status` shows what still runs on the version that was left");
}
