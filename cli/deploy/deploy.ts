/**
 * A deployment, from the checks to the report. Its law:
 *
 * - D1 What is uploaded and not registered changes nothing for anybody. What is registered gets new invocations.
 * - D2 A fingerprint is uploaded once: the steps after it find the version again, on this machine or another.
 * - D3 Every step can be repeated, so a deployment that was interrupted goes on by being started again.
 * - D4 The app's own address follows Restate: only the version that is the latest there, and works, is promoted.
 * - D5 A version that is not known to work does not stay the latest, as long as there is another one to go back to.
 */
import type { RegistrationReport } from "../../src/admin/index.ts";
import { versionHealth } from "../deployments/version-health.ts";
import type { Candidate, DeployContext, PlatformDeployer, UploadedVersion } from "./platform-deployer.ts";
import { promoteVersion } from "./promote-version.ts";
import { changeLines, type PlannedRegistration, planRegistration, registrationOf } from "./register-version.ts";
import type { SmokeResult } from "./smoke.ts";
import { remember, wasTried } from "./state-file.ts";
import type { StepRecord } from "./step-log.ts";
import { tryVersion } from "./try-version.ts";
import { waitUntilReady } from "./wait-ready.ts";

/** What `deploy` tells. */
export interface DeployResult extends Omit<Candidate, "reason"> {
  /** `unchanged`: it was live already. `planned`: a dry run. */
  readonly outcome: "deployed" | "unchanged" | "planned";
  /** Absent: a dry run of a version that is not uploaded. */
  readonly version?: string | undefined;
  readonly url?: string | undefined;
  readonly worker?: string | undefined;
  readonly deploymentId?: string | undefined;
  readonly mainUrl?: string | undefined;
  /** Why it was deployed in this way. */
  readonly strategyReason?: string | undefined;
  readonly registration?: RegistrationReport | undefined;
  readonly smoke?: SmokeResult | undefined;
  /** Dry run: what would be done. */
  readonly plan?: readonly string[] | undefined;
  readonly steps: readonly StepRecord[];
}

/** Deploys, or with `--dry-run` tells what that would do. @throws ToolError */
export async function deploy(context: DeployContext, deployer: PlatformDeployer): Promise<DeployResult> {
  const { admin, log, options, tool } = context;
  await log.run({
    step: "restate",
    title: "Restate",
    work: () => admin.version(),
    summary: ({ version }) => `${version} at ${context.restate.adminUrl ?? ""}`,
  });
  const candidate = await deployer.check(context);
  const { reason, ...facts } = candidate;
  Object.assign(log.facts, facts, { strategyReason: reason });
  const { found, promoted: before } = await log.run({
    step: "find",
    title: "Versions",
    work: async () => {
      const [known, served] = await Promise.all([
        options.again ? undefined : deployer.find(context, candidate),
        deployer.promoted(context, candidate),
      ]);
      return { found: known, promoted: served };
    },
    summary: (looked) =>
      looked.found === undefined ? "this one is new" : `${looked.found.version} is uploaded already`,
  });
  if (found !== undefined && options.secretsFile !== undefined) {
    tool.reporter.warn(
      `${options.secretsFile} is not uploaded: version ${found.version} exists, with the secrets of its upload. --again makes another version`,
    );
  }
  if (tool.flags.dryRun) return planDeployment(context, deployer, candidate, found, before);
  if (found !== undefined && (await isLive(context, deployer, candidate, found, before))) {
    return resultOf(context, candidate, found, { outcome: "unchanged" });
  }
  const version = await uploadStep(context, deployer, candidate, found);
  const promoted = version.isPromoted === true ? version.version : before;
  await addressStep(context, deployer, candidate, version);
  const planned = await readyStep(context, candidate, version);
  const wasLive = promoted === version.version || (deployer.promote === undefined && planned.isLatest);
  const tried = await tryVersion(context, { candidate, version, planned, promoted, wasLive });
  await promoteVersion(context, { deployer, candidate, version, promoted, deploymentId: tried.deploymentId });
  await rememberTrial(context, candidate, version).catch(() => undefined);
  const isSame = planned.isLatest && (promoted === version.version || deployer.promote === undefined);
  const { report: registration } = planned;
  const outcome = isSame && !version.isNew ? "unchanged" : "deployed";
  return resultOf(context, candidate, version, { outcome, registration, ...tried });
}

async function uploadStep(
  context: DeployContext,
  deployer: PlatformDeployer,
  candidate: Candidate,
  found: UploadedVersion | undefined,
): Promise<UploadedVersion> {
  const { log } = context;
  if (found !== undefined) log.skip("upload", "Upload", `${found.version} is uploaded already`);
  const version =
    found ??
    (await log.run({
      step: "upload",
      title: `Upload to ${deployer.name}`,
      work: () => deployer.upload(context, candidate),
      summary: ({ version: id, url }) => `${id} at ${url}`,
    }));
  Object.assign(log.facts, { version: version.version, url: version.url, worker: version.worker });
  return version;
}

/** An upload that was cut off may have been done but for its address. */
async function addressStep(
  context: DeployContext,
  deployer: PlatformDeployer,
  candidate: Candidate,
  { version, url, isNew }: UploadedVersion,
): Promise<void> {
  const { openAddress } = deployer;
  if (isNew || openAddress === undefined) return;
  const { signal } = context.tool;
  if ((await versionHealth(url, { expected: version, signal })).state === "ok") return;
  await context.log.run({
    step: "address",
    title: "The version's address",
    work: () => openAddress.call(deployer, context, candidate),
    summary: () => "it did not answer; addresses are set as the configuration says",
  });
}

/** Nothing is registered before it works, as far as it can say so itself, and before it is known what that changes. */
async function readyStep(
  context: DeployContext,
  candidate: Candidate,
  version: UploadedVersion,
): Promise<PlannedRegistration> {
  const { log, options, tool } = context;
  const { timeoutMs, mount } = options;
  await log.run({
    step: "ready",
    title: "The version's own checks",
    work: (running) => waitUntilReady({ ...version, timeoutMs, signal: tool.signal, running }),
    summary: ({ checks }) => `${checks.filter(({ status }) => status === "pass").length} pass`,
  });
  const planned = await log.run({
    step: "dry-run",
    title: "What its registration changes",
    work: () => planRegistration(context, registrationOf(mount, candidate, version)),
    summary: ({ report, isLatest }) => (isLatest ? "nothing" : servicesOf(report)),
  });
  for (const line of changeLines(planned.report)) tool.reporter.info(`  ${line}`);
  return planned;
}

function servicesOf({ services }: RegistrationReport): string {
  const count = (change: string): number => services.filter((service) => service.change === change).length;
  const parts = ["new", "updated", "removed"].flatMap((change) =>
    count(change) > 0 ? [`${count(change)} ${change}`] : [],
  );
  return parts.join(", ") || "nothing";
}

/** Everything is as this deployment would leave it. */
async function isLive(
  context: DeployContext,
  deployer: PlatformDeployer,
  candidate: Candidate,
  version: UploadedVersion,
  promoted: string | undefined,
): Promise<boolean> {
  const { options, tool } = context;
  if (deployer.promote !== undefined && promoted !== version.version) return false;
  if (options.smoke !== "none" && !(await wasTried(tool.flags.cwd, version.version))) return false;
  const { isLatest } = await planRegistration(context, registrationOf(options.mount, candidate, version));
  const answers = await versionHealth(version.url, { expected: version.version, signal: tool.signal });
  const mainUrl = deployer.mainUrl(context, version);
  const main =
    mainUrl === undefined ? answers : await versionHealth(mainUrl, { expected: version.version, signal: tool.signal });
  if (mainUrl !== undefined) context.log.facts["mainUrl"] = mainUrl;
  return isLatest && answers.state === "ok" && main.state === "ok";
}

async function planDeployment(
  context: DeployContext,
  deployer: PlatformDeployer,
  candidate: Candidate,
  found: UploadedVersion | undefined,
  promoted: string | undefined,
): Promise<DeployResult> {
  const { options } = context;
  if (found === undefined) {
    const plan = [
      `upload it to ${deployer.name}`,
      "wait until it is ready, register it with Restate, and invoke it once",
      ...(deployer.promote === undefined
        ? []
        : [`promote it${promoted === undefined ? "" : ` in place of ${promoted}`}`]),
    ];
    return resultOf(context, candidate, undefined, { outcome: "planned", plan });
  }
  const { report: registration, isLatest } = await planRegistration(
    context,
    registrationOf(options.mount, candidate, found),
  );
  const isPromoted = deployer.promote === undefined || promoted === found.version;
  const plan = [
    ...(isLatest ? [] : [`register ${found.version} with Restate: ${servicesOf(registration)}`]),
    "invoke it once",
    ...(isPromoted ? [] : [`promote it${promoted === undefined ? "" : ` in place of ${promoted}`}`]),
  ];
  return resultOf(context, candidate, found, { outcome: "planned", plan, registration });
}

function resultOf(
  { log }: DeployContext,
  { reason, ...candidate }: Candidate,
  version: UploadedVersion | undefined,
  more: Partial<DeployResult> & Pick<DeployResult, "outcome">,
): DeployResult {
  const { version: id, url, worker } = version ?? {};
  const mainUrl = typeof log.facts["mainUrl"] === "string" ? log.facts["mainUrl"] : undefined;
  return { ...candidate, strategyReason: reason, version: id, url, worker, mainUrl, ...more, steps: log.records };
}

/** With `--no-smoke` nothing was tried: what was known of it stays. */
async function rememberTrial(
  { tool, options }: DeployContext,
  { app, fingerprint }: Candidate,
  { version, url, worker }: UploadedVersion,
): Promise<void> {
  const tried = options.smoke !== "none" || (await wasTried(tool.flags.cwd, version));
  await remember(tool.flags.cwd, { app, fingerprint, version, url, worker, tried });
}
