/**
 * What a registration changes, in words that an operator can decide on.
 *
 * Restate's own answer does not tell a new deployment from a known one, of which it asks nothing again, nor what the
 * services were before. So they are listed first and compared.
 */
import { RestateRefusedError } from "../../errors/restate-refused-error.ts";
import type { AdminClient } from "../admin-client.ts";
import type { Deployment, HttpRegistration, LambdaRegistration, RegisteredDeployment } from "./deployment-schemas.ts";
import type { Service } from "./service-schemas.ts";

/** What becomes of one service. */
export interface ServiceChange {
  readonly name: string;
  /** `new`: unknown until now. `updated`: has a new revision. `none`: stays. `removed`: the deployment had it, and has no more. */
  readonly change: "new" | "updated" | "none" | "removed";
  /** `Service`, `VirtualObject` or `Workflow`. */
  readonly type: string;
  readonly revision: number;
  /** True when it becomes another type, or is gone: its callers may fail. */
  readonly breaking: boolean;
  readonly addedHandlers: readonly string[];
  readonly removedHandlers: readonly string[];
  /** What its latest revision was. */
  readonly previous?: { readonly type: string; readonly revision: number; readonly deploymentId: string } | undefined;
}

/** Why Restate does not register it. */
export interface Refusal {
  readonly reason: string;
  /** Restate's code, such as `META0006`. */
  readonly restateCode?: string | undefined;
  /** The option with which Restate would accept it. */
  readonly acceptedWith?: "breaking" | "force" | undefined;
}

/** What a registration did, or would do. */
export interface RegistrationReport {
  readonly dryRun: boolean;
  /**
   * `created`: a new deployment. `known`: the URI is registered, Restate has not asked it again and changes nothing.
   * `overwritten`: the URI was registered, and what it serves now was taken over. `refused`: see `refusal`.
   */
  readonly outcome: "created" | "known" | "overwritten" | "refused";
  /** Absent when it would be a new one, and when it is refused. */
  readonly deploymentId?: string | undefined;
  /** By name. For a refused one: with `acceptedWith`, as far as Restate tells. */
  readonly services: readonly ServiceChange[];
  readonly refusal?: Refusal | undefined;
}

type Registration = HttpRegistration | LambdaRegistration;
interface Before {
  readonly deployments: readonly Deployment[];
  readonly services: readonly Service[];
}

/**
 * Registers a deployment, or with `dryRun` finds out what that would do.
 *
 * @throws RestateRefusedError unless it is a dry run, whose report says so.
 */
export async function registerWithReport(admin: AdminClient, registration: Registration): Promise<RegistrationReport> {
  const [deployments, services] = await Promise.all([admin.deployments.list(), admin.services.list()]);
  const before = { deployments, services };
  try {
    return reportOf(registration, before, await admin.deployments.register(registration));
  } catch (error) {
    if (registration.dryRun !== true || !(error instanceof RestateRefusedError)) throw error;
    return refusalOf(admin, registration, before, error);
  }
}

function reportOf(registration: Registration, before: Before, found: RegisteredDeployment): RegistrationReport {
  const { dryRun = false, force = false } = registration;
  const isKnown = before.deployments.some(({ id }) => id === found.id);
  const outcome = !isKnown ? "created" : force ? "overwritten" : "known";
  return {
    dryRun,
    outcome,
    deploymentId: dryRun && outcome === "created" ? undefined : found.id,
    services: changesOf(before, found, outcome === "known"),
  };
}

/** Asks again with what could help, so that the report names it and what it would change. */
async function refusalOf(
  admin: AdminClient,
  registration: Registration,
  before: Before,
  error: RestateRefusedError,
): Promise<RegistrationReport> {
  const restateCode = typeof error.fields["restateCode"] === "string" ? error.fields["restateCode"] : undefined;
  const refusal: Refusal = { reason: error.message, restateCode };
  for (const option of error.code === 409 ? (["breaking", "force"] as const) : []) {
    if (registration[option] === true) continue;
    try {
      const found = await admin.deployments.register({ ...registration, [option]: true });
      const services = changesOf(before, found, false);
      return { dryRun: true, outcome: "refused", services, refusal: { ...refusal, acceptedWith: option } };
    } catch (second) {
      if (!(second instanceof RestateRefusedError)) throw second;
    }
  }
  return { dryRun: true, outcome: "refused", services: [], refusal };
}

function changesOf(before: Before, found: RegisteredDeployment, isKnown: boolean): ServiceChange[] {
  const changes = found.services.map((service) => changeOf(before, service, isKnown));
  const names = new Set(found.services.map(({ name }) => name));
  const gone = before.services.filter(({ name, deploymentId }) => deploymentId === found.id && !names.has(name));
  return [...changes, ...gone.map(removed)].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function changeOf(before: Before, service: Service, isKnown: boolean): ServiceChange {
  const { name, type, revision, handlers } = service;
  const previous = before.services.find((known) => known.name === name);
  const now = handlers.map((handler) => handler.name);
  const then = previous?.handlers.map((handler) => handler.name) ?? [];
  return {
    name,
    change: isKnown ? "none" : previous === undefined ? "new" : "updated",
    type,
    revision,
    breaking: !isKnown && previous !== undefined && previous.type !== type,
    addedHandlers: isKnown ? [] : now.filter((handler) => !then.includes(handler)).sort(),
    removedHandlers: isKnown ? [] : then.filter((handler) => !now.includes(handler)).sort(),
    previous: previous && { type: previous.type, revision: previous.revision, deploymentId: previous.deploymentId },
  };
}

function removed({ name, type, revision, deploymentId, handlers }: Service): ServiceChange {
  const removedHandlers = handlers.map((handler) => handler.name).sort();
  const previous = { type, revision, deploymentId };
  return { name, change: "removed", type, revision, breaking: true, addedHandlers: [], removedHandlers, previous };
}
