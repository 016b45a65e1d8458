/** Registers a version with Restate, after telling what that changes. */
import { registerWithReport, type HttpRegistration, type RegistrationReport } from "../../src/admin/index.ts";
import { versionPath } from "../../src/endpoint/version.ts";
import { factsIn, metadataOf } from "../deployments/metadata.ts";
import { EXIT } from "../tool/exit-codes.ts";
import { ToolError } from "../tool/tool-error.ts";
import { toolVersion } from "../tool/version.ts";
import type { Candidate, DeployContext, UploadedVersion } from "./platform-deployer.ts";

/** A registration that Restate would accept. */
export interface PlannedRegistration {
  readonly registration: HttpRegistration;
  readonly report: RegistrationReport;
  /** The latest one already: there is nothing to do. */
  readonly isLatest: boolean;
}

/** How a version is registered. */
export function registrationOf(
  mount: string,
  { app, platform, fingerprint, gitSha }: Candidate,
  { version, url, worker, http2 = false }: UploadedVersion,
): HttpRegistration {
  const uri = `${url}${versionPath(mount, version)}`;
  const metadata = metadataOf({ app, platform, version, fingerprint, worker, gitSha, tool: toolVersion() });
  // Most cleartext servers speak HTTP/1.1; over TLS both sides agree on a version.
  return { uri, metadata, ...(uri.startsWith("http:") && !http2 ? { http11: true } : {}) };
}

/**
 * Asks Restate what a registration would change.
 *
 * @throws ToolError `breaking-change`, `service-of-another-app` (exit code 3) without `--breaking`; `registration-refused`
 */
export async function planRegistration(
  { admin, options }: DeployContext,
  registration: HttpRegistration,
): Promise<PlannedRegistration> {
  const breaking = options.breaking ? { breaking: true } : {};
  let wanted: HttpRegistration = { ...registration, ...breaking };
  let report = await registerWithReport(admin, { ...wanted, dryRun: true });
  if (report.outcome === "known" && report.deploymentId !== undefined) {
    if (await isLatest(admin, report.deploymentId)) return { registration: wanted, report, isLatest: true };
    // What answers there is the same version for ever, so overwriting changes nothing but which one is the latest.
    wanted = { ...wanted, force: true };
    report = await registerWithReport(admin, { ...wanted, dryRun: true });
  }
  if (!options.breaking) await requireOwnServices(admin, registration, report);
  requireAccepted(report, options.breaking);
  return { registration: wanted, report, isLatest: false };
}

/** What calls a service of another app would get this one's answers. A deployment without our metadata is nobody's. */
async function requireOwnServices(
  admin: DeployContext["admin"],
  { metadata }: HttpRegistration,
  { services }: RegistrationReport,
): Promise<void> {
  const own = factsIn(metadata)?.app;
  const deployments = new Map((await admin.deployments.list()).map((deployment) => [deployment.id, deployment]));
  const foreign = services.flatMap(({ name, change, previous }) => {
    const app = factsIn(deployments.get(previous?.deploymentId ?? "")?.metadata)?.app;
    return app === undefined || app === own || change === "removed" ? [] : [{ service: name, app }];
  });
  if (foreign.length === 0) return;
  const names = foreign.map(({ service, app }) => `${service} is a service of the app ${app}`);
  throw new ToolError({
    code: "service-of-another-app",
    message: `Cannot register ${own ?? "the app"} with this Restate: ${names.join("; ")}`,
    hint: "Give the service another name, or the app another Restate; or pass --breaking, to take the service over",
    exitCode: EXIT.refused,
    details: { foreign },
  });
}

/** @throws ToolError as `planRegistration()` */
export function requireAccepted(report: RegistrationReport, breakingAllowed: boolean): void {
  const breaking = report.services.filter((service) => service.breaking);
  if (report.refusal?.acceptedWith === "breaking" || (breaking.length > 0 && !breakingAllowed)) {
    const names = breaking.map(({ name, type, change, previous }) =>
      change === "removed" ? `${name} is gone` : `${name} was a ${previous?.type} and would be a ${type}`,
    );
    throw new ToolError({
      code: "breaking-change",
      message: `Cannot register a breaking change: ${names.join("; ") || report.refusal?.reason || ""}`,
      hint: "Give the new one another name; or pass --breaking, if nobody calls the old one any more",
      exitCode: EXIT.refused,
      details: { services: report.services },
    });
  }
  if (report.outcome !== "refused") return;
  const { reason = "", restateCode } = report.refusal ?? {};
  throw new ToolError({
    code: "registration-refused",
    message: `Restate would not register the version: ${reason}`,
    hint: "Restate must reach the version's URL, and the version must accept its identity key: `doctor` finds out",
    exitCode: EXIT.remote,
    details: { reason, restateCode },
  });
}

/** One line for each service that changes. */
export function changeLines({ services }: RegistrationReport): string[] {
  return services.flatMap(({ name, change, revision, addedHandlers, removedHandlers }) => {
    if (change === "none") return [];
    const handlers = [...addedHandlers.map((added) => `+${added}`), ...removedHandlers.map((removed) => `-${removed}`)];
    const said = change === "updated" ? `revision ${revision}` : change;
    return [`${name}: ${said}${change === "updated" && handlers.length > 0 ? ` (${handlers.join(" ")})` : ""}`];
  });
}

/** True when new invocations of all its services go to the deployment. */
export async function isLatest(admin: DeployContext["admin"], deploymentId: string): Promise<boolean> {
  const [{ services }, all] = await Promise.all([admin.deployments.get(deploymentId), admin.services.list()]);
  const latest = new Map(all.map(({ name, deploymentId: id }) => [name, id]));
  return services.every(({ name }) => latest.get(name) === deploymentId);
}
