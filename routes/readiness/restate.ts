import { AdminClient } from "../../src/admin/admin-client.ts";
import { RestateRefusedError } from "../../src/errors/restate-refused-error.ts";
import { RestateUnauthorizedError } from "../../src/errors/restate-unauthorized-error.ts";
import { RestateUnexpectedError } from "../../src/errors/restate-unexpected-error.ts";
import { RestateUnreachableError } from "../../src/errors/restate-unreachable-error.ts";
import { IngressClient } from "../../src/ingress/ingress-client.ts";
import { isInvalidSetting, restateAddress, type Settings } from "../settings.ts";
import { CHECK_TIMEOUT_MS, type Finding, fail, pass, skip } from "./check.ts";

/** Whether Restate's ingress is healthy. `isNeeded`: the app invokes its agents through it. */
export async function checkIngress(settings: Settings, isNeeded: boolean): Promise<Finding> {
  if (settings.RESTATE_INGRESS_URL === undefined) {
    if (isNeeded) return fail("RESTATE_INGRESS_URL is not set, and the agents API needs it");
    return skip("RESTATE_INGRESS_URL is not set");
  }
  try {
    await new IngressClient({ ...restateAddress(settings, "ingress"), timeoutMs: CHECK_TIMEOUT_MS }).health();
    return pass("Restate's ingress is healthy");
  } catch (error) {
    return fail(publicReason(error, "ingress"));
  }
}

/** Whether Restate's Admin API answers with this app's token. */
export async function checkAdmin(settings: Settings): Promise<Finding> {
  if (settings.RESTATE_ADMIN_URL === undefined) {
    if (settings.ADMIN_TOKEN !== undefined) return fail("RESTATE_ADMIN_URL is not set, and the admin routes need it");
    return skip("RESTATE_ADMIN_URL is not set");
  }
  try {
    await adminOf(settings).version();
    return pass("Restate's Admin API answers");
  } catch (error) {
    return fail(publicReason(error, "admin"));
  }
}

/** The Admin API, with the time limit of checks. */
export function adminOf(settings: Settings): AdminClient {
  return new AdminClient({ ...restateAddress(settings, "admin"), timeoutMs: CHECK_TIMEOUT_MS });
}

/** Why Restate could not be asked, without its address or its own words. */
export function publicReason(error: unknown, door: "ingress" | "admin"): string {
  if (isInvalidSetting(error)) return error.message;
  if (error instanceof RestateUnreachableError) return `Restate's ${door} cannot be reached`;
  if (error instanceof RestateUnauthorizedError) return `Restate's ${door} does not accept RESTATE_AUTH_TOKEN`;
  if (error instanceof RestateUnexpectedError || error instanceof RestateRefusedError) {
    return `What answers is not Restate's ${door}`;
  }
  return "The check could not be done";
}
