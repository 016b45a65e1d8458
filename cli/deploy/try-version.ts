/** Registers a version, and tries it out. One that does not work, or is interrupted before it is known to, is taken back. */
import { registerWithReport } from "../../src/admin/index.ts";
import { IngressClient } from "../../src/ingress/ingress-client.ts";
import type { RegisteredVersion } from "../deployments/registered.ts";
import { count } from "../deployments/words.ts";
import { requireUrl } from "../project/restate-settings.ts";
import { EXIT } from "../tool/exit-codes.ts";
import { ToolError } from "../tool/tool-error.ts";
import type { SmokeTarget } from "./options.ts";
import type { Candidate, DeployContext, UploadedVersion } from "./platform-deployer.ts";
import { type PutBack, previousVersion, putBack } from "./previous.ts";
import { isLatest, type PlannedRegistration } from "./register-version.ts";
import { superseded } from "./promote-version.ts";
import { declaredSmoke, smoke, type SmokeResult, unlessAborted } from "./smoke.ts";

/** A version whose registration has been planned. */
export interface Trial {
  readonly candidate: Candidate;
  readonly version: UploadedVersion;
  readonly planned: PlannedRegistration;
  /** What the app's own address serves. */
  readonly promoted: string | undefined;
  /** True: it was what everybody used before this deployment began, so it is not taken back. */
  readonly wasLive: boolean;
}

/** A version that works, as far as was tried. */
export interface TriedVersion {
  readonly deploymentId: string;
  /** Undefined: nothing was invoked. */
  readonly smoke?: SmokeResult | undefined;
}

/** @throws ToolError `smoke-failed` (exit code 5), `superseded` */
export async function tryVersion(context: DeployContext, trial: Trial): Promise<TriedVersion> {
  const { admin } = context;
  const { candidate, version, planned, promoted, wasLive } = trial;
  const { uri } = planned.registration;
  const previous = await previousVersion(admin, candidate.app, uri, promoted);
  let deploymentId: string | undefined;
  let result: SmokeResult | undefined;
  try {
    deploymentId = await register(context, trial);
    context.log.facts["deploymentId"] = deploymentId;
    result = await smokeStep(context, deploymentId);
  } catch (error) {
    // Nobody knows yet whether it works (D5): interrupted, or nothing could be invoked. Nor whether it is registered, when
    // the answer to that did not come.
    const id = deploymentId ?? (await latestAt(context, uri));
    if (!wasLive && id !== undefined) await backStep(context, previous, id);
    throw error;
  }
  if (result?.outcome === "moved") {
    throw superseded(
      version.version,
      `its smoke invocation ${result.reason ?? ""}; it is not promoted`,
      context.log.facts,
    );
  }
  if (result?.outcome === "failed") {
    throw smokeFailed(result, wasLive ? "live" : await backStep(context, previous, deploymentId), version);
  }
  return { deploymentId, smoke: result };
}

/** The deployment at a URI, if it is the latest; undefined when Restate does not answer. */
async function latestAt({ admin }: DeployContext, uri: string): Promise<string | undefined> {
  try {
    const id = (await admin.deployments.list()).find((deployment) => deployment.uri === uri)?.id;
    return id !== undefined && (await isLatest(admin, id)) ? id : undefined;
  } catch {
    return undefined;
  }
}

async function register({ admin, log, tool }: DeployContext, { planned }: Trial): Promise<string> {
  const { registration, report, isLatest: isRegistered } = planned;
  if (isRegistered && report.deploymentId !== undefined) {
    log.skip("register", "Registration", `${report.deploymentId} is the latest already`);
    return report.deploymentId;
  }
  const done = await log.run({
    step: "register",
    title: "Registration with Restate",
    work: () => unlessAborted(tool.signal, registerWithReport(admin, registration)),
    summary: ({ deploymentId, services }) => `${deploymentId ?? ""}, ${count(services.length, "service")}`,
  });
  return done.deploymentId ?? "";
}

async function smokeStep(context: DeployContext, deploymentId: string): Promise<SmokeResult | undefined> {
  const { admin, log, options, restate, tool } = context;
  tool.signal.throwIfAborted();
  if (options.smoke === "none") {
    log.skip("smoke", "Smoke invocation", "--no-smoke");
    return undefined;
  }
  const { services } = await admin.deployments.get(deploymentId);
  const target: SmokeTarget | undefined = options.smoke ?? declaredSmoke(services);
  if (target === undefined) {
    log.skip("smoke", "Smoke invocation", "the app has no smokeService(), and --smoke names no handler");
    return undefined;
  }
  const ingress = new IngressClient({ url: requireUrl(restate.ingressUrl, "ingress"), token: restate.token });
  const { smokeBody: body, timeoutMs } = options;
  const result = await log.run({
    step: "smoke",
    title: `Smoke invocation of ${target.service}/${target.handler}`,
    work: (running) => smoke({ admin, ingress, target, body, deploymentId, timeoutMs, signal: tool.signal, running }),
    summary: ({ outcome, invocationId }) => `${outcome}, ${invocationId}`,
    isWell: ({ outcome }) => outcome === "passed",
  });
  log.facts["smoke"] = result;
  return result;
}

/** Nothing is put back over a deployment that came later. */
async function backStep(
  { admin, tool, log }: DeployContext,
  previous: RegisteredVersion | undefined,
  deploymentId: string,
): Promise<PutBack> {
  const isStill = await isLatest(admin, deploymentId).catch(() => true);
  const back = isStill
    ? await putBack(admin, previous, deploymentId)
    : { failure: "another deployment is the latest already" };
  log.facts["putBack"] = back;
  if (back.failure === undefined) tool.reporter.warn(`Version ${back.version ?? ""} is the latest again`);
  else tool.reporter.warn(`No other version was made the latest: ${back.failure}`);
  return back;
}

function smokeFailed(result: SmokeResult, back: PutBack | "live", version: UploadedVersion): ToolError {
  const { target, invocationId, reason } = result;
  const isBack = back !== "live" && back.failure === undefined;
  const state = isBack
    ? "It is not promoted, and new invocations go to the version before"
    : "New invocations go to it: `rollback` goes back to another version";
  return new ToolError({
    code: "smoke-failed",
    message: `Version ${version.version} did not pass its smoke invocation of ${target}: ${reason ?? ""}\n${state}`,
    hint: `Look at it: restate-edge-agents journal ${invocationId}; restate-edge-agents status`,
    exitCode: EXIT.smoke,
    details: { smoke: result, putBack: back === "live" ? undefined : back },
  });
}
