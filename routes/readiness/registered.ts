import type { Service } from "../../src/admin/deployments/service-schemas.ts";
import { RestateUnauthorizedError } from "../../src/errors/restate-unauthorized-error.ts";
import type { ServiceShape } from "../operations/service-shape.ts";
import { type Settings, versionOf } from "../settings.ts";
import { type Finding, fail, pass, skip } from "./check.ts";
import { adminOf, publicReason } from "./restate.ts";
import { versionTagOf } from "./version-tag.ts";

/**
 * Whether new invocations of this app's services come to this version. Restate's list of services tells, for each, what
 * its latest deployment said when it was registered: its handlers, and the version that answered. That is compared.
 *
 * Not known is which version runs here when the platform does not say it; then only names and handlers are compared.
 */
export async function checkRegistered(settings: Settings, shapes: readonly ServiceShape[]): Promise<Finding> {
  const version = versionOf(settings);
  let registered: readonly Service[];
  try {
    if (settings.RESTATE_ADMIN_URL === undefined) return skip("Unknown: RESTATE_ADMIN_URL is not set");
    registered = await adminOf(settings).services.list();
  } catch (error) {
    const reason = publicReason(error, "admin");
    // Some tokens may ask for the version, and for nothing else.
    return error instanceof RestateUnauthorizedError ? fail(reason) : skip(`Unknown: ${reason}`);
  }
  return judge(shapes, registered, version);
}

function judge(shapes: readonly ServiceShape[], registered: readonly Service[], version: string | null): Finding {
  const byName = new Map(registered.map((service) => [service.name, service]));
  const of = `of ${shapes.length} services`;
  const missing = shapes.filter(({ name }) => !byName.has(name));
  if (missing.length > 0) return fail(`${missing.length} ${of} not registered with Restate`);
  const others = shapes.filter((shape) => !isSame(shape, byName.get(shape.name), version));
  if (others.length > 0) return fail(`${others.length} ${of} registered with another version as the latest`);
  if (version === null) return pass("All services are registered with these handlers; no version is known here");
  return pass("All services are registered, and this version is the latest");
}

function isSame({ kind, handlers }: ServiceShape, service: Service | undefined, version: string | null): boolean {
  if (service?.type !== kind || service.handlers.length !== handlers.size) return false;
  if (!service.handlers.every(({ name }) => handlers.has(name))) return false;
  return version === null || versionTagOf(service.metadata) === version;
}
