import type { Service } from "../../../src/admin/index.ts";
import { versionTagOf } from "../../../routes/readiness/version-tag.ts";
import { count } from "../../deployments/words.ts";
import { type DoctorCheck, fail, NotKnown, pass, skip } from "../check.ts";
import { maybe } from "../facts/facts.ts";
import { latestVersion } from "./live-version.ts";

/** Whether Restate knows the services, and their handlers, that the app serves now. */
export const registeredServices: DoctorCheck = {
  id: "registered-services",
  group: "App",
  about: "what the app serves is what Restate has registered",
  run: async (facts) => {
    const [own, registered] = await Promise.all([facts.app.deployments(), facts.restate.services()]);
    const health = await maybe(facts.app.healthProbe());
    if (health?.kind === "unanswered") throw new NotKnown("The app does not answer: see `app-reachable`");
    const deploy = "restate-edge-agents deploy";
    if (own.every(({ latestOf }) => latestOf.length === 0)) {
      return fail("Nothing of this app is registered with Restate, so nothing of it can be invoked.", deploy);
    }
    const discovery = await facts.app.discovery();
    if (discovery.kind === "failed") {
      if (/'401 /.test(discovery.reason)) return skip("The app refuses Restate's requests: see `identity-keys`");
      return skip(`Restate cannot ask ${await facts.app.endpoint()}`);
    }
    const served = discovery.services.map(({ metadata }) => versionTagOf(metadata)).find((tag) => tag !== undefined);
    const latest = await maybe(latestVersion(facts));
    if (served !== undefined && latest !== undefined && served !== latest) {
      return skip("The main URL serves another version: see `live-version`");
    }
    const differences = discovery.services.flatMap((service) => {
      const difference = differenceOf(
        service,
        registered.find(({ name }) => name === service.name),
      );
      return difference === undefined ? [] : [difference];
    });
    if (differences.length === 0) return pass(count(discovery.services.length, "service"));
    return fail(
      `The app serves other than what is registered: ${differences.join("; ")}. Give the new code a version of its own, by deploying it:`,
      deploy,
    );
  },
};

function differenceOf(served: Service, registered: Service | undefined): string | undefined {
  const { name } = served;
  if (registered === undefined) return `${name} is not registered`;
  if (registered.type !== served.type) return `${name} is a ${served.type}, registered as a ${registered.type}`;
  const [now, then] = [served, registered].map(({ handlers }) => handlers.map((handler) => handler.name));
  const added = now?.filter((handler) => then?.includes(handler) !== true) ?? [];
  const removed = then?.filter((handler) => now?.includes(handler) !== true) ?? [];
  if (added.length > 0) return `${name}/${added.join(`, ${name}/`)} not registered`;
  return removed.length > 0 ? `${name}/${removed.join(`, ${name}/`)} registered, and no longer served` : undefined;
}
