/** Tries a version out that has become the latest again, and goes back when it does not work. */
import type { AdminClient } from "../../src/admin/index.ts";
import { IngressClient } from "../../src/ingress/ingress-client.ts";
import { type PutBack, putBack } from "../deploy/previous.ts";
import { isLatest } from "../deploy/register-version.ts";
import { declaredSmoke, smoke, type SmokeResult } from "../deploy/smoke.ts";
import type { RestateSettings } from "../project/restate-settings.ts";
import { EXIT } from "../tool/exit-codes.ts";
import type { Tool } from "../tool/tool.ts";
import { ToolError } from "../tool/tool-error.ts";
import type { RegisteredVersion } from "./registered.ts";
import { nameOf } from "./which.ts";

/** What came of the smoke invocation. */
export interface SmokeReport {
  readonly outcome: "passed" | "skipped";
  /** Of one that passed. */
  readonly target?: string | undefined;
  readonly invocationId?: string | undefined;
  /** Why there was none. */
  readonly reason?: string | undefined;
}

/** A version that is the latest now. */
export interface SmokeSubject {
  readonly deploymentId: string;
  /** The one that was the latest before. */
  readonly before: RegisteredVersion | undefined;
  /** Longest wait for the result, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * Invokes the version's smoke service, if it has one. Nothing is put back over a deployment that came later.
 *
 * @throws ToolError `smoke-failed` (exit code 5), after the one that was the latest before has become it again; `superseded`
 * when the invocation ran on another deployment, which is the latest now.
 */
export async function smokeAfterRollback(
  tool: Tool,
  admin: AdminClient,
  { ingressUrl, token }: RestateSettings,
  { deploymentId, before, timeoutMs }: SmokeSubject,
): Promise<SmokeReport> {
  const target = declaredSmoke((await admin.deployments.get(deploymentId)).services);
  if (target === undefined) return { outcome: "skipped", reason: "the version declares no smoke service" };
  if (ingressUrl === undefined) return { outcome: "skipped", reason: "RESTATE_INGRESS_URL is not set" };
  const ingress = new IngressClient({ url: ingressUrl, token });
  const title = `Smoke invocation of ${target.service}/${target.handler}`;
  const result = await tool.reporter.step(title, async (running) => {
    const tried = await smoke({ admin, ingress, target, deploymentId, timeoutMs, signal: tool.signal, running });
    if (tried.outcome === "moved") throw superseded(tried);
    if (tried.outcome !== "passed") throw await failed(tool, admin, tried, { before, deploymentId });
    return tried;
  });
  return { outcome: "passed", target: result.target, invocationId: result.invocationId };
}

async function failed(
  tool: Tool,
  admin: AdminClient,
  { reason = "", invocationId, target }: SmokeResult,
  subject: Pick<SmokeSubject, "before" | "deploymentId">,
): Promise<ToolError> {
  const { before } = subject;
  const back = await backFrom(admin, subject);
  if (back.failure !== undefined) tool.reporter.warn(`The version before was not put back: ${back.failure}`);
  const now = back.failure === undefined && before !== undefined ? `New invocations go to ${nameOf(before)} again` : "";
  return new ToolError({
    code: "smoke-failed",
    message: `The smoke invocation of ${target} did not pass: ${reason}. Nothing was promoted. ${now}`.trim(),
    hint: `\`journal ${invocationId}\` shows where it failed; choose another version with --to`,
    exitCode: EXIT.smoke,
    details: { invocationId, reason, putBack: back },
  });
}

async function backFrom(
  admin: AdminClient,
  { before, deploymentId }: Pick<SmokeSubject, "before" | "deploymentId">,
): Promise<PutBack> {
  const isStill = await isLatest(admin, deploymentId).catch(() => true);
  return isStill ? putBack(admin, before, deploymentId) : { failure: "another deployment is the latest already" };
}

function superseded({ target, invocationId, reason = "" }: SmokeResult): ToolError {
  return new ToolError({
    code: "superseded",
    message: `Another deployment took over during the rollback: the smoke invocation of ${target} says nothing, ${reason}. Nothing was promoted or put back`,
    hint: "`status` tells which version is the latest; run this again if it should not be that one",
    exitCode: EXIT.remote,
    details: { invocationId, reason },
  });
}
