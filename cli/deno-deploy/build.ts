/** Waits for the build of a revision. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Tool } from "../tool/tool.ts";
import type { RunningStep } from "../tool/reporter.ts";
import { EXIT } from "../tool/exit-codes.ts";
import { ToolError } from "../tool/tool-error.ts";
import type { DenoDeployApi } from "./api.ts";
import type { Revision } from "./api-shapes.ts";

/** Builds have 15 minutes at most, and may wait for a builder before that. */
const LONGEST_MS = 20 * 60_000;
const EVERY_MS = 1_000;
const CODE = "build-failed";
/** How many of the last lines of a failed build are told. */
const LINES = 20;

/** True for one that is, or will be, served. */
export function isUsable({ status }: Revision): boolean {
  return status === "queued" || status === "building" || status === "succeeded";
}

/** True for a build that has ended, and not well. */
export function isBuildFailure(error: unknown): boolean {
  return error instanceof ToolError && error.code === CODE;
}

/** @throws ToolError `build-failed` with what the build printed last; `build-not-finished` */
export async function waitForBuild(
  api: DenoDeployApi,
  slug: string,
  begun: Revision,
  { signal }: Pick<Tool, "signal">,
  running?: RunningStep,
): Promise<void> {
  const endsAt = performance.now() + LONGEST_MS;
  for (let revision = begun; ;) {
    if (revision.status === "succeeded") return;
    if (!isUsable(revision)) throw await failed(api, slug, revision);
    if (performance.now() > endsAt) throw notFinished(slug, revision);
    running?.update(`revision ${revision.id} is ${revision.status}`);
    await sleep(EVERY_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
    revision = (await api.revision(begun.id)) ?? { ...revision, status: "failed", failure_reason: "it was removed" };
  }
}

async function failed(
  api: DenoDeployApi,
  slug: string,
  { id, status, failure_reason: reason }: Revision,
): Promise<ToolError> {
  const log = (await api.buildLog(id).catch(() => [])).map(({ message }) => message.trimEnd());
  const told = log
    .slice(-LINES)
    .map((line) => `\n  ${line}`)
    .join("");
  return new ToolError({
    code: CODE,
    message: `Deno Deploy could not build revision ${id} of ${slug}: ${reason ?? status}${told}`,
    hint: "Nobody is sent to it. Mend it and run this again",
    exitCode: EXIT.remote,
    details: { revision: id, status, reason: reason ?? undefined },
  });
}

function notFinished(slug: string, { id, status }: Revision): ToolError {
  return new ToolError({
    code: "build-not-finished",
    message: `Revision ${id} of ${slug} is ${status} after ${LONGEST_MS / 60_000} minutes`,
    hint: "Run this again to go on waiting; the dashboard shows its build",
    exitCode: EXIT.remote,
    details: { revision: id, status },
  });
}
