import { type DoctorCheck, fail, pass, skip } from "../check.ts";
import { maybe } from "../facts/facts.ts";

/** Checks of `/ready` that other checks of `doctor` look into: identity-keys, access-tokens, live-version, registered-services. */
const TOLD_ELSEWHERE: ReadonlySet<string> = new Set(["identity-keys", "api-keys", "registered"]);
const OF_RESTATE: ReadonlySet<string> = new Set(["ingress", "admin"]);

/** Whether the app can reach what it needs, from where it runs: that may be another network than this machine's. */
export const appReady: DoctorCheck = {
  id: "app-ready",
  group: "App",
  about: "the app reaches Restate from where it runs",
  run: async (facts) => {
    const checks = (await facts.app.ready()).filter(({ name }) => !TOLD_ELSEWHERE.has(name));
    const failed = checks.filter(({ status }) => status === "fail");
    if (failed.length === 0) return pass(checks.map(({ name, status }) => `${name} ${status}`).join(", "));
    const probes = await Promise.all(
      ["ingress" as const, "admin" as const].map((door) => maybe(facts.restate.probe(door))),
    );
    const isDown = probes.some(
      (found) => found?.kind === "unanswered" || (found?.kind === "answered" && found.status >= 500),
    );
    if (isDown && failed.every(({ name }) => OF_RESTATE.has(name))) {
      return skip("The app does not reach Restate, and neither does this machine: see `restate-reachable`");
    }
    const url = await facts.app.url();
    return fail(
      `The app itself says: ${failed.map(({ name, detail }) => `${name}: ${detail}`).join("; ")}. Its settings, or its network, are not those of this machine.`,
      ...failed.flatMap(({ name }) => MENDS[name]?.(facts.hasProject) ?? []),
      `curl -s ${url}/ready`,
    );
  },
};

const MENDS: Readonly<Record<string, (isWorker: boolean) => readonly string[]>> = {
  ingress: (isWorker) => restateMend("RESTATE_INGRESS_URL", isWorker),
  admin: (isWorker) => restateMend("RESTATE_ADMIN_URL", isWorker),
  encryption: () => [
    "Correct JOURNAL_KEYS (id:secret, the first encrypts; openssl rand -base64 32) and JOURNAL_PLAINTEXT",
  ],
  telemetry: () => ["Correct OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_EXPORTER_OTLP_HEADERS"],
};

function restateMend(name: string, isWorker: boolean): readonly string[] {
  if (!isWorker) return [`Correct ${name} and RESTATE_AUTH_TOKEN in the app's environment`];
  return [
    `Correct ${name} in [vars], and the token, then deploy:`,
    "npx wrangler versions secret put RESTATE_AUTH_TOKEN",
    "restate-edge-agents deploy --again",
  ];
}
