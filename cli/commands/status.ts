import { type AppFlags, appOf } from "../deployments/app.ts";
import { inFlightText } from "../deployments/in-flight.ts";
import { type DeploymentStatus, readStatus, type StatusResult } from "../deployments/status.ts";
import { ageOf, shortVersion } from "../deployments/words.ts";
import type { CommandDefinition } from "../tool/command.ts";
import { EXIT } from "../tool/exit-codes.ts";
import type { Reporter } from "../tool/reporter.ts";

interface StatusFlags extends AppFlags {
  readonly all: boolean;
  readonly check: boolean;
  readonly url?: string;
}

interface CheckedStatus extends StatusResult {
  /** True with `--check`. */
  readonly checked: boolean;
}

/** As many as `prune` keeps by itself. */
const KEPT = 2;

export const status: CommandDefinition<StatusFlags, CheckedStatus> = {
  name: "status",
  about: "deployments, which is the latest, what still runs on each, and whether each answers",
  declare: (command) =>
    command
      .option("--app <name>", "name of the app (default: the project's Worker)")
      .option("--all", "deployments of all apps, and those that this tool did not register", false)
      .option("--url <url>", "the app's own URL (default: told from its versions')")
      .option("--check", "exit with 3 when something that is needed does not answer as it should", false),
  run: async (tool, flags) => {
    const app = flags.all ? undefined : await appOf(tool, flags);
    return { ...(await readStatus(tool, { app, url: flags.url, keep: KEPT })), checked: flags.check };
  },
  show: showStatus,
  exitCode: ({ checked, healthy }) => (checked && !healthy ? EXIT.refused : EXIT.ok),
};

/** The table, the app's own URL, and what to do. */
export function showStatus({ app, deployments, main, advice }: StatusResult, reporter: Reporter): void {
  if (deployments.length > 0) {
    const head = [
      "DEPLOYMENT",
      ...(app === undefined ? ["APP"] : []),
      "VERSION",
      "GIT",
      "REGISTERED",
      "HEALTH",
      "IN FLIGHT",
    ];
    reporter.table([[...head, "LATEST OF"], ...deployments.map((one) => row(one, app === undefined))]);
  }
  if (main !== undefined) {
    const { state, version, detail } = main.health;
    const served = version === undefined ? (detail ?? state) : `serves ${shortVersion(version)}`;
    reporter.info(`\n${main.url} ${served}`);
  }
  if (advice.length > 0) reporter.info("");
  for (const line of advice) reporter.info(`→ ${line}`);
}

function row(one: DeploymentStatus, withApp: boolean): string[] {
  return [
    one.id,
    ...(withApp ? [one.app ?? "-"] : []),
    one.version === undefined ? one.url : shortVersion(one.version),
    one.gitSha?.slice(0, 7) ?? "-",
    `${ageOf(one.registeredAt, Date.now())} ago`,
    one.health.state === "ok" ? "ok" : (one.health.detail ?? one.health.state),
    inFlightText(one.inFlight),
    one.latestOf.join(", ") || "-",
  ];
}
