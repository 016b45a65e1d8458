/** What `doctor` says of facts that no server here can bring about, and how checks are run. */
import { afterEach, expect, test } from "vitest";
import { ALL_CHECKS } from "../../../cli/doctor/all-checks.ts";
import { type DoctorCheck, NotKnown, pass } from "../../../cli/doctor/check.ts";
import { isSecret } from "../../../cli/doctor/configuration/secrets-in-vars.ts";
import { isMutable, isOfApp, mountIn } from "../../../cli/doctor/facts/app-urls.ts";
import { type Facts, gatherFacts } from "../../../cli/doctor/facts/facts.ts";
import { wranglerReason } from "../../../cli/cloudflare/wrangler-reason.ts";
import { countsOf, runChecks } from "../../../cli/doctor/run-checks.ts";
import { isOlder } from "../../../cli/doctor/versions.ts";
import { Redactor } from "../../../cli/tool/redact.ts";
import { JsonReporter } from "../../../cli/tool/reporter.ts";
import type { Tool } from "../../../cli/tool/tool.ts";
import { listen, type LoopbackServer } from "../../../src/testing/http-server.ts";

let server: LoopbackServer | undefined;
afterEach(() => server?.close());

const never = new AbortController().signal;

function toolWith(environment: Tool["environment"], signal = never): Tool {
  return {
    flags: { cwd: "/nowhere", json: true, dryRun: false, yes: true },
    environment,
    reporter: new JsonReporter(),
    redactor: new Redactor(environment),
    signal,
    confirm: async () => true,
  };
}

/** A Restate that answers with these documents. */
async function factsOf(documents: Readonly<Record<string, unknown>>, more: Tool["environment"] = {}): Promise<Facts> {
  server = await listen(async ({ url = "" }, response) => {
    const document = documents[url];
    response.writeHead(document === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(document ?? { message: "not found" }));
  });
  const tool = toolWith({ RESTATE_ADMIN_URL: server.url, RESTATE_INGRESS_URL: server.url, ...more });
  return gatherFacts(tool, { app: "agents" });
}

async function diagnose(id: string, facts: Facts): Promise<string> {
  const check = ALL_CHECKS.filter((one) => one.id === id);
  const [found] = await runChecks(check, facts, never);
  return `${found?.status ?? "none"} ${[found?.detail, ...(found?.mend ?? [])].join(" ")}`;
}

test("ids are a contract", () => {
  expect(ALL_CHECKS.map(({ id }) => id)).toEqual([
    "project",
    "tool-versions",
    "compatibility",
    "version-metadata",
    "preview-urls",
    "observability",
    "one-sdk",
    "identity-keys",
    "secrets-in-vars",
    "access-tokens",
    "restate-reachable",
    "token",
    "region",
    "restate-version",
    "mutable-url",
    "http-version",
    "pinned-urls",
    "stuck-invocations",
    "app-reachable",
    "app-ready",
    "clock",
    "live-version",
    "registered-services",
    "required-secrets",
  ]);
});

test("a check that throws, waits for ever or cannot know is told as such, and disturbs no other", async () => {
  const check = (id: string, run: DoctorCheck["run"]): DoctorCheck => ({
    id,
    group: "App",
    about: "",
    timeoutMs: 50,
    run,
  });
  const checks = [
    check("throws", () => {
      throw new Error("a bug\nin two lines");
    }),
    check("waits", () => new Promise(() => {})),
    check("unknown", () => {
      throw new NotKnown("nobody tells");
    }),
    check("well", () => pass("well")),
  ];
  const found = await runChecks(checks, await gatherFacts(toolWith({}), {}), never);
  expect(found.map(({ id, status, detail }) => `${id} ${status}: ${detail}`)).toEqual([
    "throws broken: The check could not be done: a bug",
    "waits broken: The check could not be done: no end within 0.05 seconds",
    "unknown skipped: nobody tells",
    "well pass: well",
  ]);
  expect(countsOf(found)).toEqual({ pass: 1, warn: 0, fail: 0, skipped: 1, broken: 2 });
});

test("Ctrl-C ends the checks that wait", async () => {
  const interrupt = new AbortController();
  const waits: DoctorCheck = { id: "waits", group: "App", about: "", run: () => new Promise(() => {}) };
  const running = runChecks([waits], await gatherFacts(toolWith({}), {}), interrupt.signal);
  interrupt.abort(new Error("Interrupted"));
  await expect(running).rejects.toThrow("Interrupted");
});

const deployment = (more: object): object => ({
  id: "dp_1",
  uri: "https://1a2b3c4d-agents.acme.workers.dev/restate",
  http_version: "HTTP/2.0",
  created_at: "2026-11-01T00:00:00Z",
  min_protocol_version: 5,
  max_protocol_version: 6,
  services: [{ name: "Desk", revision: 1 }],
  ...more,
});

test("http-version: HTTP/1.1 over https is a warning, with the request that takes it back", async () => {
  const lists = { "/services": { services: [] }, "/query": { rows: [] } };
  const old = await factsOf({ ...lists, "/deployments": { deployments: [deployment({ http_version: "HTTP/1.1" })] } });
  expect(await diagnose("http-version", old)).toMatch(
    /^warn dp_1: .* curl -X PATCH http:\S+\/deployments\/dp_1 .*"use_http_11":false/,
  );
  await server?.close();
  const current = await factsOf({ ...lists, "/deployments": { deployments: [deployment({})] } });
  expect(await diagnose("http-version", current)).toBe("pass HTTP/2");
});

test("restate-version: 1.6 is too old", async () => {
  const version = (text: string): object => ({ version: text, min_admin_api_version: 2, max_admin_api_version: 4 });
  expect(await diagnose("restate-version", await factsOf({ "/version": version("1.6.9") }))).toMatch(/^fail .*1\.6\.9/);
  await server?.close();
  expect(await diagnose("restate-version", await factsOf({ "/version": version("1.10.0") }))).toBe("pass 1.10.0");
});

test("region: two environments of Restate Cloud, and two regions of one", async () => {
  for (const ingress of ["abc.env.us", "xyz.env.eu"]) {
    const urls = {
      RESTATE_INGRESS_URL: `https://${ingress}.restate.cloud:8080`,
      RESTATE_ADMIN_URL: "https://abc.env.eu.restate.cloud:9070",
    };
    const told = await diagnose("region", await gatherFacts(toolWith(urls), {}));
    expect(told).toMatch(
      /^fail RESTATE_INGRESS_URL is of .* RESTATE_INGRESS_URL=https:\/\/abc\.env\.eu\.restate\.cloud:8080/,
    );
  }
});

test("which URLs are of an app, and which may change what they serve", () => {
  const facts = { app: "agents", platform: "version-url", version: "1a2b3c4d-0000", fingerprint: "" } as const;
  const app = { name: "agents", url: undefined, domains: ["agents.example.com"] };
  const uri = "https://1a2b3c4d-agents.acme.workers.dev/restate/v/1a2b3c4d-0000";
  expect(isOfApp(app, uri, undefined)).toBe(true);
  expect(isOfApp(app, "https://agents.acme.workers.dev/restate", undefined)).toBe(true);
  expect(isOfApp(app, "https://agents.example.com/restate", undefined)).toBe(true);
  expect(isOfApp(app, "https://other-agents.acme.workers.dev/restate", undefined)).toBe(false);
  expect(isOfApp(app, uri, { ...facts, app: "other" })).toBe(false);
  expect(mountIn(uri)).toBe("/restate");
  expect(isMutable(uri, facts)).toBe(false);
  expect(isMutable("https://1a2b3c4d-agents.acme.workers.dev/restate", undefined)).toBe(false);
  expect(isMutable("https://agents.acme.workers.dev/restate", undefined)).toBe(true);
  expect(isMutable("https://agents.example.com/restate/", undefined)).toBe(true);
});

test.each([
  ["OPENAI_API_KEY", "anything", true],
  ["UPSTREAM", "https://user:word@example.com", true],
  ["MODEL", "sk-proj-abcdefgh", true],
  ["ADMIN_TOKEN", `sha256:${"0".repeat(64)}`, false],
  ["RESTATE_IDENTITY_KEYS", "publickeyv1_abc", false],
  ["MAX_TOKENS", "4000", false],
  ["OPENAI_API_KEY", "", false],
])("secrets-in-vars: %s = %s is a secret: %s", (name, value, expected) => {
  expect(isSecret(name, value)).toBe(expected);
});

test("versions are compared by number", () => {
  expect([isOlder("1.7.12", "1.7.2"), isOlder("4.9.0", "4.136.1"), isOlder("5.0.0-beta.1", "4.0.0")]).toEqual([
    false,
    true,
    false,
  ]);
});

test("of what wrangler printed, the most precise error is told, without colours", () => {
  const log =
    "Cannot run wrangler deploy: exit code 1\n\u001B[31m✘ [ERROR] Build failed:\u001B[0m\n ✘ [ERROR] Could not resolve x\n  a.ts:1:7";
  expect(wranglerReason(log)).toBe("Could not resolve x");
});
