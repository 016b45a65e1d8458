/** `doctor` on a correct set-up, and on broken ones: each is found by its own check, and nothing else is blamed. */
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "../../src/testing/ports.ts";
import { startRestate } from "../../src/testing/restate-server.ts";
import { RestateIdentity } from "../../src/testing/restate-identity.ts";
import { type DoctorWorld, type Report, type Setup, startDoctorWorld } from "./doctor-world.ts";

let world: DoctorWorld;
beforeAll(async () => {
  world = await startDoctorWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

/** What is not well, as `<id> <status>`. */
function complaints({ checks }: Report): string[] {
  return checks
    .filter(({ status }) => !["pass", "skipped"].includes(status))
    .map(({ id, status }) => `${id} ${status}`);
}

const skipped = ({ checks }: Report): string[] =>
  checks.filter(({ status }) => status === "skipped").map(({ id }) => id);

const found = ({ checks }: Report, id: string): string => {
  const check = checks.find((one) => one.id === id);
  return [check?.detail, ...(check?.mend ?? [])].join("\n");
};

test("a correct set-up is clean", async () => {
  const report = await world.doctor({ bundles: true });
  expect(complaints(report)).toEqual([]);
  expect(skipped(report)).toEqual(["http-version", "required-secrets"]);
  expect(report.code).toBe(0);
  expect(found(report, "live-version")).toBe("v1");
});

const withLine =
  (line: string) =>
  (text: string): string =>
    `${text}${line}\n`;
const without =
  (part: RegExp | string, by = "") =>
  (text: string): string => {
    const changed = text.replace(part, by);
    if (changed === text) throw new Error(`Nothing to change: ${String(part)}`);
    return changed;
  };

const inConfiguration: readonly (readonly [string, string, Setup, RegExp])[] = [
  [
    "compatibility fail",
    "a date before process.env",
    { toml: without("2026-10-01", "2024-12-01") },
    /2024-12-01.*process\.env[\s\S]*compatibility_date = "/,
  ],
  [
    "compatibility fail",
    "no nodejs_compat",
    { toml: (text) => text.replace("2026-10-01", "2026-07-01").replace('"nodejs_compat", ', "") },
    /compatibility_flags = \["enable_request_signal","nodejs_compat"\]/,
  ],
  [
    "compatibility warn",
    "no enable_request_signal",
    { toml: without(', "enable_request_signal"') },
    /compatibility_flags = \["nodejs_compat","enable_request_signal"\]/,
  ],
  [
    "version-metadata fail",
    "no version metadata",
    { toml: without(/\[version_metadata\]\n.*\n/) },
    /\[version_metadata\]\nbinding = "CF_VERSION_METADATA"/,
  ],
  [
    "preview-urls fail",
    "no preview URLs",
    { toml: without("preview_urls = true", "preview_urls = false") },
    /preview_urls = true/,
  ],
  ["observability warn", "no logs", { toml: without("enabled = true", "enabled = false") }, /enabled = true/],
  [
    "secrets-in-vars fail",
    "a secret in [vars]",
    { toml: withLine('OPENAI_API_KEY = "sk-abcdefghijklmnopqrstuvwx"') },
    /npx wrangler versions secret put OPENAI_API_KEY/,
  ],
  [
    "identity-keys fail",
    "a malformed identity key",
    { toml: without(/publickeyv1_\w+/, "publickeyv1_0OIl") },
    /not base58[\s\S]*RESTATE_IDENTITY_KEYS = "publickeyv1_…"/,
  ],
  [
    "identity-keys fail",
    "development in production",
    { toml: without('"production"', '"development"') },
    /anyone may run any handler[\s\S]*ENVIRONMENT = "production"/,
  ],
  [
    "access-tokens fail",
    "tokens that are the same",
    { env: { AGENT_API_KEYS: "Vn3kX9qLw2TzR7yB5mHc8dJf" } },
    /share a token/,
  ],
  ["access-tokens fail", "a token that is guessed", { env: { ADMIN_TOKEN: "my-admin-password-1" } }, /easy to guess/],
  ["token fail", "no token", { env: { RESTATE_AUTH_TOKEN: "" } }, /not set[\s\S]*export RESTATE_AUTH_TOKEN=key_…/],
  ["token fail", "an unknown token", { env: { RESTATE_AUTH_TOKEN: "key_unknown.secret" } }, /does not accept/],
  [
    "one-sdk fail",
    "two SDKs",
    {
      bundles: true,
      main: `import app from ${JSON.stringify(resolve(import.meta.dirname, "../fixtures/doctor/worker.ts"))};
import { TerminalError } from "@restatedev/restate-sdk/fetch";
export default { fetch: (request: Request, ...rest: unknown[]) => {
  if (request.url === "") throw new TerminalError("");
  return (app.fetch as (...all: unknown[]) => Response)(request, ...rest);
} };`,
    },
    /two Restate SDKs[\s\S]*\[alias\]/,
  ],
  [
    "one-sdk fail",
    "code that cannot be bundled",
    { bundles: true, main: 'import "./missing.ts";' },
    /cannot be bundled: .*missing\.ts/,
  ],
  ["project fail", "a configuration that cannot be read", { toml: withLine("= nothing") }, /wrangler\.toml/],
];

test.each(inConfiguration)("%s: %s", async (complaint, _what, setup, told) => {
  const report = await world.doctor(setup);
  expect(complaints(report)).toEqual([complaint]);
  expect(found(report, complaint.split(" ")[0] ?? "")).toMatch(told);
  expect(report.code).toBe(complaint.endsWith("fail") ? 3 : 0);
  for (const secret of ["sk-abcdefghijkl", "Vn3kX9qLw2TzR7yB5mHc8dJf", world.cloud.token]) {
    expect(report.log).not.toContain(secret);
  }
});

test("app-reachable: nothing answers, or something else", async () => {
  const closed = await world.doctor({ args: ["--url", `http://127.0.0.1:${await freePort()}`] });
  expect(complaints(closed)).toEqual(["app-reachable fail"]);
  expect(found(closed, "app-reachable")).toMatch(/connection refused/);
  const other = await world.doctor({ args: ["--url", world.cloud.server.adminUrl, "--only", "app-reachable"] });
  expect(found(other, "app-reachable")).toMatch(/is no app of restate-edge-agents/);
});

test("token: a role that may only invoke", async () => {
  const report = await world.doctor({ env: { RESTATE_AUTH_TOKEN: world.cloud.ingressToken } });
  expect(complaints(report)).toEqual(["token fail"]);
  expect(found(report, "token")).toMatch(/role is too small[\s\S]*role Admin/);
});

test("tool-versions: an old wrangler", async () => {
  const folder = await mkdtemp(join(tmpdir(), "doctor-packages-"));
  try {
    const real = resolve(import.meta.dirname, "../../node_modules/wrangler");
    await mkdir(join(folder, "wrangler"));
    await cp(join(real, "bin"), join(folder, "wrangler/bin"), { recursive: true });
    await symlink(join(real, "wrangler-dist"), join(folder, "wrangler/wrangler-dist"));
    await writeFile(
      join(folder, "wrangler/package.json"),
      JSON.stringify({ name: "wrangler", version: "3.114.0", main: "wrangler-dist/cli.js" }),
    );
    const report = await world.doctor({ packages: folder });
    expect(complaints(report)).toEqual(["tool-versions fail"]);
    expect(found(report, "tool-versions")).toContain("npm install --save-dev wrangler@latest");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("restate-reachable: refused, no answer, TLS where there is none, and the other door are told apart", async () => {
  const silent = createServer(() => {});
  await new Promise<void>((listening) => silent.listen(0, "127.0.0.1", listening));
  const address = silent.address();
  const silentPort = typeof address === "object" ? address?.port : 0;
  try {
    const closed = `https://127.0.0.1:${await freePort()}`;
    const plain = `https://127.0.0.1:${new URL(world.cloud.server.ingressUrl).port}`;
    const cases = [
      [closed, /connection refused/],
      [`https://127.0.0.1:${silentPort}`, /no answer within|no connection in time/],
      [plain, /TLS error/],
      ["https://restate.invalid:8080", /host name is not known/],
      [world.cloud.adminUrl, /is not Restate's ingress, but its Admin API/],
    ] as const;
    const args = ["--only", "restate-reachable"];
    for (const [url, told] of cases) {
      const report = await world.doctor({ hasProject: false, args, env: { RESTATE_INGRESS_URL: url } });
      expect(complaints(report)).toEqual(["restate-reachable fail"]);
      expect(found(report, "restate-reachable")).toMatch(told);
    }
    const report = await world.doctor({
      env: { RESTATE_ADMIN_URL: closed },
      toml: without(/RESTATE_ADMIN_URL.*\n/),
    });
    expect(complaints(report)).toEqual(["restate-reachable fail"]);
  } finally {
    silent.close();
  }
});

test("region: the ingress of another Restate", async () => {
  await using other = await startRestate();
  const report = await world.doctor({
    env: { RESTATE_INGRESS_URL: other.ingressUrl },
    toml: without(/RESTATE_INGRESS_URL.*\n/),
  });
  expect(complaints(report)).toEqual(["region fail"]);
  expect(found(report, "region")).toMatch(/two Restates: \w+ is known to only one/);
});

test("region: the Worker's vars lead elsewhere", async () => {
  const report = await world.doctor({
    toml: without(/RESTATE_ADMIN_URL.*/, 'RESTATE_ADMIN_URL = "https://abc.env.eu.restate.cloud:9070"'),
  });
  expect(complaints(report)).toEqual(["region fail"]);
  expect(found(report, "region")).toContain("abc.env.eu.restate.cloud");
});

test("clock: an app that is two minutes ahead", async () => {
  world.main.aheadMs = 120_000;
  try {
    const report = await world.doctor();
    expect(complaints(report)).toEqual(["clock fail"]);
    expect(found(report, "clock")).toMatch(/clock of the app is (119|120|121) s ahead/);
  } finally {
    world.main.aheadMs = 0;
  }
});

test("live-version: the main URL serves a version that Restate does not call", async () => {
  await using other = await world.serve("v2");
  world.main.target = other.url;
  try {
    const report = await world.doctor();
    expect(complaints(report)).toEqual(["live-version fail"]);
    expect(found(report, "live-version")).toMatch(/serves version v2, and Restate sends new runs to v1/);
  } finally {
    world.main.target = world.app.url;
  }
});

test("registered-services: the same version serves other services", async () => {
  const entry = resolve(import.meta.dirname, "../fixtures/walk/worker.ts");
  await using other = await world.serve("v1", { entry, vars: { AGENT_API_KEYS: "Gp6sQe1uYi4oMa0vNx7zKt3b" } });
  world.main.target = other.url;
  try {
    const report = await world.doctor();
    expect(complaints(report)).toEqual(["registered-services fail"]);
    expect(found(report, "registered-services")).toMatch(/is not registered[\s\S]*restate-edge-agents deploy/);
  } finally {
    world.main.target = world.app.url;
  }
});

test("identity-keys: the app has the key of another Restate", async () => {
  const vars = { RESTATE_IDENTITY_KEYS: new RestateIdentity().publicKey };
  await using other = await world.serve("v1", { vars });
  world.main.target = other.url;
  try {
    const report = await world.doctor();
    expect(complaints(report)).toEqual(["identity-keys fail"]);
    expect(found(report, "identity-keys")).toMatch(/refuses this Restate's requests \(401\)/);
  } finally {
    world.main.target = world.app.url;
  }
});

test("app-ready: the app does not reach Restate, although this machine does", async () => {
  await using other = await world.serve("v1", { vars: { RESTATE_INGRESS_URL: "http://127.0.0.1:1" } });
  world.main.target = other.url;
  try {
    const report = await world.doctor();
    expect(complaints(report)).toEqual(["app-ready fail"]);
    expect(found(report, "app-ready")).toMatch(/ingress: Restate's ingress cannot be reached/);
  } finally {
    world.main.target = world.app.url;
  }
});

test("mutable-url: the main URL is registered", async () => {
  const id = await world.register(`${world.app.url}/restate`);
  try {
    const report = await world.doctor({ args: ["--url", world.app.url] });
    expect(complaints(report)).toEqual(["mutable-url fail"]);
    expect(found(report, "mutable-url")).toContain(id);
  } finally {
    await world.register(`${world.app.url}/restate/v/v1`, "v1");
    await world.admin.deployments.remove(id);
  }
});

test("stuck-invocations: one that is paused", async () => {
  const id = await world.cloud.send("Ledger/book");
  await world.cloud.waitForStatus(id, "paused");
  try {
    const report = await world.doctor();
    expect(complaints(report)).toEqual(["stuck-invocations fail"]);
    expect(found(report, "stuck-invocations")).toMatch(`restate-edge-agents journal ${id}`);
  } finally {
    await world.admin.invocations.act(id, "kill");
  }
});

test("pinned-urls: the version of a run in flight is gone, or another one is served in its place", async () => {
  const old = await world.serve("v0");
  const id = await world.register(`${old.url}/restate/v/v0`, "v0");
  try {
    const invocation = await world.cloud.send("Desk/approve");
    await world.cloud.waitForStatus(invocation, "suspended");
    await world.register(`${world.app.url}/restate/v/v1`, "v1");
    expect(complaints(await world.doctor())).toEqual([]);
    await old.restart({ ...(await varsOf()), APP_VERSION: "v2" });
    const other = await world.doctor();
    expect(complaints(other)).toEqual(["pinned-urls fail"]);
    expect(found(other, "pinned-urls")).toMatch(/1 invocation pinned\) serves version v2 instead of v0/);
    await old.kill();
    const gone = await world.doctor();
    expect(complaints(gone)).toEqual(["pinned-urls fail"]);
    expect(found(gone, "pinned-urls")).toMatch(`${id} (${old.url}/restate/v/v0, 1 invocation pinned) is gone`);
    await world.admin.invocations.act(invocation, "kill");
  } finally {
    await old.stop();
    await world.admin.deployments.remove(id);
  }
});

async function varsOf(): Promise<Record<string, string>> {
  return { ENVIRONMENT: "production", RESTATE_IDENTITY_KEYS: world.cloud.identityKey };
}

test("without a project: what is of Workers is skipped, the rest is looked at", async () => {
  const report = await world.doctor({ hasProject: false, bundles: true, args: ["--app", "agents"] });
  expect(complaints(report)).toEqual([]);
  expect(report.code).toBe(0);
  expect(skipped(report)).toEqual([
    "project",
    "compatibility",
    "preview-urls",
    "observability",
    "one-sdk",
    "secrets-in-vars",
    "http-version",
    "required-secrets",
  ]);
});
