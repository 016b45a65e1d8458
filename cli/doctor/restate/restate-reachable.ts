import { ToolError } from "../../tool/tool-error.ts";
import { type DoctorCheck, fail, type Finding, pass } from "../check.ts";
import type { Facts } from "../facts/facts.ts";
import type { Probe, Unanswered } from "../../http/probe.ts";
import { type Door, isDoor } from "../facts/restate-facts.ts";

const NAMES = { ingress: "RESTATE_INGRESS_URL", admin: "RESTATE_ADMIN_URL" } as const;
const PORTS = { ingress: 8080, admin: 9070 } as const;

/** Whether both of Restate's doors answer from here. */
export const restateReachable: DoctorCheck = {
  id: "restate-reachable",
  group: "Restate",
  about: "Restate's ingress and Admin API answer from here",
  run: async (facts) => {
    const { settings } = facts;
    if (settings instanceof ToolError)
      return fail(`${settings.message}.`, exampleOf(/ADMIN/.test(settings.message) ? "admin" : "ingress"));
    const urls = { ingress: settings.ingressUrl, admin: settings.adminUrl };
    const unset = (["ingress", "admin"] as const).filter((door) => urls[door] === undefined);
    if (unset.length > 0) {
      return fail(`${unset.map((door) => NAMES[door]).join(" and ")} not set.`, ...unset.map(exampleOf));
    }
    const [ingress, admin] = await Promise.all([judgeDoor(facts, "ingress"), judgeDoor(facts, "admin")]);
    return ingress ?? admin ?? pass(`${urls.ingress ?? ""} and ${urls.admin ?? ""}`);
  },
};

async function judgeDoor(facts: Facts, door: Door): Promise<Finding | undefined> {
  const found: Probe = await facts.restate.probe(door);
  const settings = facts.restate.settings();
  const url = (door === "ingress" ? settings.ingressUrl : settings.adminUrl) ?? "";
  const what = `Restate's ${door === "ingress" ? "ingress" : "Admin API"} at ${url}`;
  if (found.kind === "unanswered")
    return fail(`${what} does not answer: ${found.detail}.`, ...mendOf(found, url, door));
  if (found.status === 401 || found.status === 403) return undefined;
  if (found.status >= 500) return fail(`${what} answered ${found.status}.`, `curl -i ${url}/health`);
  if (isDoor(found, door)) return undefined;
  const other = (await facts.restate.isSwapped(door))
    ? `, but its ${door === "ingress" ? "Admin API" : "ingress"}`
    : "";
  return fail(
    `What answers at ${url} (${found.status}) is not Restate's ${door === "ingress" ? "ingress" : "Admin API"}${other}.`,
    exampleOf(door),
  );
}

function mendOf({ reason }: Unanswered, url: string, door: Door): string[] {
  const { hostname, port } = new URL(url);
  switch (reason) {
    case "refused":
      return [
        `Nothing listens on port ${port}. Start Restate, or correct ${NAMES[door]}; Restate's own port is ${PORTS[door]}.`,
      ];
    case "timeout":
      return [
        `A firewall may drop what goes out to port ${port}. Try it, and have the port opened:`,
        `curl -i --connect-timeout 5 ${url}${door === "ingress" ? "/restate/health" : "/health"}`,
      ];
    case "unknown-host":
      return [`Correct the host ${hostname} in ${NAMES[door]}:`, exampleOf(door)];
    case "tls":
      return [
        url.startsWith("https:")
          ? "If the certificate is of an authority of your own: NODE_EXTRA_CA_CERTS=authority.pem. If no TLS is spoken there, write http:// instead of https://."
          : "Write https:// instead of http://.",
      ];
    case "closed":
      return [`If TLS is spoken there, write https:// in ${NAMES[door]}.`];
    case "other":
      return [`curl -iv ${url}`];
  }
}

function exampleOf(door: Door): string {
  return `export ${NAMES[door]}=https://….env.us.restate.cloud:${PORTS[door]}`;
}
