import { type DoctorCheck, fail, type Finding, NotKnown, pass, warn } from "../check.ts";
import { type Facts, maybe } from "../facts/facts.ts";
import { jsonOf } from "../../http/probe.ts";

/** https://docs.restate.dev/cloud/getting-started: `<environment>.env.<region>.restate.cloud` */
const CLOUD_HOST = /^([^.]+)\.env\.([^.]+)\.restate\.cloud$/;
/** Addresses that a server tells of itself, and that nobody else can use. */
const INSIDE =
  /^(localhost|127\.|0\.0\.0\.0$|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|\[|[^.]+$)|\.(local|internal|svc)$/;

/** Whether ingress and Admin API are of one Restate, and of the one that the app uses. */
export const region: DoctorCheck = {
  id: "region",
  group: "Restate",
  about: "ingress and Admin API are of the same Restate, which the app uses",
  run: async (facts) => {
    const { adminUrl, ingressUrl } = facts.restate.settings();
    const [ingress, admin] = [ingressUrl, adminUrl].map((url) => (url === undefined ? undefined : new URL(url)));
    if (ingress === undefined || admin === undefined)
      throw new NotKnown("An address is not set: see `restate-reachable`");
    return (
      differentClouds(ingress, admin) ??
      differentFromApp(facts) ??
      (await differentServices(facts)) ??
      (await differentlyAnnounced(facts, ingress)) ??
      pass(cloudOf(admin) ?? admin.host)
    );
  },
};

function cloudOf(url: URL): string | undefined {
  const [, environment, where] = CLOUD_HOST.exec(url.hostname) ?? [];
  return environment === undefined ? undefined : `${environment}.env.${where ?? ""}.restate.cloud`;
}

function differentClouds(ingress: URL, admin: URL): Finding | undefined {
  const [one, other] = [cloudOf(ingress), cloudOf(admin)];
  if (one === other) return undefined;
  return fail(
    `RESTATE_INGRESS_URL is of ${one ?? ingress.host} and RESTATE_ADMIN_URL of ${other ?? admin.host}: what is registered in one cannot be invoked in the other.`,
    `RESTATE_INGRESS_URL=https://${other ?? admin.hostname}:8080`,
    `RESTATE_ADMIN_URL=https://${other ?? admin.hostname}:9070`,
  );
}

/** The tool registers in one Restate, and the deployed app talks to another. */
function differentFromApp(facts: Facts): Finding | undefined {
  const { adminUrl, ingressUrl } = facts.restate.settings();
  const pairs = [
    ["RESTATE_INGRESS_URL", ingressUrl],
    ["RESTATE_ADMIN_URL", adminUrl],
  ] as const;
  for (const [name, used] of pairs) {
    const value = facts.vars[name];
    if (typeof value !== "string" || used === undefined || !URL.canParse(value)) continue;
    if (new URL(value).host === new URL(used).host) continue;
    return fail(
      `${name} is ${used} here, and ${value} in the Worker's vars: the tool would register in one Restate what the app looks for in the other.`,
      `unset ${name}   # or use wrangler's environment of that Restate: --env <name>`,
    );
  }
  return undefined;
}

/** The ingress names its services, and so does the Admin API: of one Restate they are the same. */
async function differentServices(facts: Facts): Promise<Finding | undefined> {
  const registered = await maybe(facts.restate.services());
  const health = await maybe(facts.restate.probe("ingress"));
  if (registered === undefined || health?.kind !== "answered" || health.status !== 200) return undefined;
  const invoked: unknown = jsonOf(health)?.["services"];
  if (!Array.isArray(invoked)) return undefined;
  const names = registered.map(({ name }) => name);
  const missing = registered.filter((service) => service.public !== false && !invoked.includes(service.name));
  const unknown = invoked.filter((name) => !names.includes(String(name)));
  if (missing.length + unknown.length === 0) return undefined;
  return fail(
    `RESTATE_INGRESS_URL and RESTATE_ADMIN_URL are of two Restates: ${String(missing[0]?.name ?? unknown[0])} is known to only one of them.`,
    "Take both addresses from the same environment, in Restate Cloud under Developers.",
  );
}

async function differentlyAnnounced(facts: Facts, ingress: URL): Promise<Finding | undefined> {
  const announced = (await maybe(facts.restate.version()))?.ingressEndpoint;
  if (announced === undefined || !URL.canParse(announced)) return undefined;
  const url = new URL(announced);
  if (url.host === ingress.host || INSIDE.test(url.hostname)) return undefined;
  const detail = `The Admin API says that its ingress is ${url.origin}, and RESTATE_INGRESS_URL is ${ingress.origin}.`;
  const mend = `RESTATE_INGRESS_URL=${url.origin}`;
  return cloudOf(url) === undefined ? warn(detail, mend) : fail(detail, mend);
}
