import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { type DeployFlags, deployOptions } from "../../../../cli/deploy/options.ts";
import { changeLines, registrationOf, requireAccepted } from "../../../../cli/deploy/register-version.ts";
import { declaredSmoke } from "../../../../cli/deploy/smoke.ts";
import { remember, rememberedVersions, STATE_FOLDER } from "../../../../cli/deploy/state-file.ts";
import { StepLog } from "../../../../cli/deploy/step-log.ts";
import { waitUntilReady } from "../../../../cli/deploy/wait-ready.ts";
import { Redactor } from "../../../../cli/tool/redact.ts";
import { JsonReporter, PeopleReporter } from "../../../../cli/tool/reporter.ts";
import type { RegistrationReport } from "../../../../src/admin/index.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** An app whose answers are listed by path; the last one of a list stays. */
async function app(answers: Readonly<Record<string, unknown[]>>): Promise<string> {
  const server = createServer((request, response) => {
    const list = answers[request.url ?? ""] ?? [];
    const body = list.length > 1 ? list.shift() : list[0];
    if (body === undefined) response.writeHead(503).end("not yet");
    else response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  cleanups.push(
    () =>
      new Promise((done) => {
        server.close(done);
        server.closeAllConnections();
      }),
  );
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? (address?.port ?? 0) : 0}`;
}

const check = (name: string, status: string): object => ({ name, status, detail: `${name} ${status}`, durationMs: 1 });

describe("waiting for a version", () => {
  const wait = (url: string, timeoutMs = 10_000, signal = new AbortController().signal) => {
    const said: string[] = [];
    const running = { update: (text: string) => void said.push(text) };
    return { said, ready: waitUntilReady({ url, version: "v2", timeoutMs, signal, running }) };
  };

  test("ends when all of its checks but `registered` are right", async () => {
    const url = await app({
      "/health": [{ version: "v1" }, { version: "v2" }],
      "/ready": [
        { checks: [check("ingress", "fail")] },
        { checks: [check("ingress", "pass"), check("registered", "fail"), check("telemetry", "skip")] },
      ],
    });
    const { said, ready } = wait(url);
    expect((await ready).checks).toHaveLength(3);
    expect(said).toEqual([`${url}: serves another version, v1`, "ingress: ingress fail"]);
  });

  test("ends at once when a setting of the version is wrong", async () => {
    const url = await app({
      "/health": [{ version: "v2" }],
      "/ready": [{ checks: [check("identity-keys", "fail")] }],
    });
    await expect(wait(url).ready).rejects.toMatchObject({
      code: "version-not-ready",
      exitCode: 4,
      message: expect.stringContaining("identity-keys fail") as string,
    });
  });

  test("is bounded, and says what was wrong last", async () => {
    const url = await app({ "/health": [{ version: "v1" }] });
    await expect(wait(url, 1).ready).rejects.toThrow(/not ready within 0.001 s: .*serves another version, v1/);
  });

  test("obeys Ctrl-C", async () => {
    const url = await app({ "/health": [{ version: "v1" }] });
    const interrupt = new AbortController();
    const reason = new Error("Interrupted");
    const running = { update: () => interrupt.abort(reason) };
    const { signal } = interrupt;
    await expect(waitUntilReady({ url, version: "v2", timeoutMs: 60_000, signal, running })).rejects.toBe(reason);
  });
});

describe("a registration", () => {
  const candidate = { app: "agents", platform: "version-url", fingerprint: "f", gitSha: "abc" } as const;

  test("is for the version's own path, and says what it is", () => {
    const { uri, http11, metadata } = registrationOf("/restate", candidate, {
      version: "1a2b",
      url: "https://1a2b-agents.acme.workers.dev",
      worker: "agents",
      isNew: true,
    });
    expect(uri).toBe("https://1a2b-agents.acme.workers.dev/restate/v/1a2b");
    expect(http11).toBeUndefined();
    expect(metadata).toMatchObject({ "restate-edge-agents/version": "1a2b", "git.sha": "abc" });
  });

  test("is over HTTP/1.1 without TLS", () => {
    expect(registrationOf("", candidate, { version: "1", url: "http://a", isNew: true })).toMatchObject({
      uri: "http://a/v/1",
      http11: true,
    });
  });

  const service = {
    name: "Greeter",
    change: "updated",
    type: "VirtualObject",
    revision: 2,
    breaking: false,
    addedHandlers: ["greet"],
    removedHandlers: ["hello"],
    previous: { type: "Service", revision: 1, deploymentId: "dp_1" },
  } as const;
  const report: RegistrationReport = { dryRun: true, outcome: "created", services: [service] };

  test("tells its changes by service", () => {
    const fresh = { ...service, name: "New", change: "new" } as const;
    const same = { ...service, name: "Same", change: "none" } as const;
    expect(changeLines({ ...report, services: [service, fresh, same] })).toEqual([
      "Greeter: revision 2 (+greet -hello)",
      "New: new",
    ]);
  });

  test("that breaks callers needs --breaking", () => {
    const breaking = { ...report, services: [{ ...service, breaking: true }] };
    expect(() => requireAccepted(breaking, false)).toThrow(/Greeter was a Service and would be a VirtualObject/);
    const refused = { ...breaking, outcome: "refused", refusal: { reason: "no", acceptedWith: "breaking" } } as const;
    expect(() => requireAccepted(refused, false)).toThrow(expect.objectContaining({ exitCode: 3 }));
    requireAccepted(breaking, true);
    requireAccepted(report, false);
  });

  test("that Restate refuses is not tried", () => {
    const refused = {
      ...report,
      outcome: "refused",
      refusal: { reason: "no answer", restateCode: "META0003" },
    } as const;
    expect(() => requireAccepted(refused, true)).toThrow(expect.objectContaining({ code: "registration-refused" }));
  });
});

test("the smoke handler is the one that a service's metadata names", () => {
  expect(declaredSmoke([{ name: "A" }, { name: "B", metadata: { "restate-edge-agents/smoke": "run" } }])).toEqual({
    service: "B",
    handler: "run",
  });
  expect(declaredSmoke([{ name: "A", metadata: {} }])).toBeUndefined();
});

describe("what is remembered", () => {
  const folder = async (): Promise<string> => {
    const path = await mkdtemp(join(tmpdir(), "state-test-"));
    cleanups.push(() => rm(path, { recursive: true, force: true }));
    return path;
  };
  const version = (id: string) => ({ app: "agents", fingerprint: `f${id}`, version: id, url: `https://${id}` });

  test("is the newest versions, each once, and never in git", async () => {
    const path = await folder();
    for (let id = 0; id < 25; id++) await remember(path, version(String(id)));
    await remember(path, { ...version("24"), tried: true });
    const versions = await rememberedVersions(path);
    expect(versions).toHaveLength(20);
    expect(versions[0]).toEqual({ ...version("24"), tried: true });
    expect(versions.filter(({ version: id }) => id === "24")).toHaveLength(1);
    expect(await readFile(join(path, STATE_FOLDER, ".gitignore"), "utf8")).toBe("*\n");
  });

  test("is nothing when the file is missing or broken", async () => {
    const path = await folder();
    expect(await rememberedVersions(path)).toEqual([]);
    await remember(path, version("1"));
    await writeFile(join(path, STATE_FOLDER, "versions.json"), '[{"app":');
    expect(await rememberedVersions(path)).toEqual([]);
  });
});

describe("flags", () => {
  const flags: DeployFlags = {
    logs: false,
    allowDirty: false,
    breaking: false,
    again: false,
    timeout: "120",
    mount: "/restate",
  };

  test("are read", () => {
    const options = deployOptions({ ...flags, smoke: "A/run", smokeBody: "{}", url: "https://example.com/" });
    expect(options).toMatchObject({
      timeoutMs: 120_000,
      smoke: { service: "A", handler: "run" },
      smokeBody: "{}",
      url: "https://example.com",
    });
    expect(deployOptions({ ...flags, smoke: false }).smoke).toBe("none");
    expect(deployOptions(flags).smoke).toBeUndefined();
  });

  test.for([
    { timeout: "soon" },
    { timeout: "0" },
    { mount: "restate" },
    { smoke: "run" },
    { smoke: "A/b/c" },
    { smokeBody: "{" },
    { url: "example.com" },
    { versionUrl: "ftp://{version}" },
  ])("%o is refused", (wrong) => {
    expect(() => deployOptions({ ...flags, ...wrong })).toThrow(expect.objectContaining({ code: "invalid-flag" }));
  });
});

test("a result that is a failure has no tick", async () => {
  let shown = "";
  const reporter = new PeopleReporter({ write: (text) => (shown += text) }, new Redactor({}));
  const log = new StepLog(reporter, new AbortController().signal);
  const step = {
    step: "smoke",
    title: "Smoke",
    summary: (text: string) => text,
    isWell: (text: string) => text === "ok",
  };
  await log.run({ ...step, work: async () => "ok" });
  await log.run({ ...step, work: async () => "failed, inv_1" });
  expect(shown).toMatch(/^✓ Smoke: ok \(.*\)\n✗ Smoke: failed, inv_1 \(.*\)\n$/);
  expect(log.records).toMatchObject([{ outcome: "done" }, { outcome: "failed", detail: "failed, inv_1" }]);
});

test("no step begins after Ctrl-C, and each is recorded", async () => {
  const interrupt = new AbortController();
  const log = new StepLog(new JsonReporter(), interrupt.signal);
  await log.run({ step: "a", title: "A", work: async () => 1, summary: (result) => `got ${result}` });
  const failing = log.run({ step: "b", title: "B", work: () => Promise.reject(new Error("no\nstack")) });
  await expect(failing).rejects.toThrow("no");
  log.skip("c", "C", "not needed");
  interrupt.abort(new Error("Interrupted"));
  await expect(log.run({ step: "d", title: "D", work: async () => 1 })).rejects.toThrow("Interrupted");
  expect(log.records.map(({ step, outcome, detail }) => [step, outcome, detail])).toEqual([
    ["a", "done", "got 1"],
    ["b", "failed", "no"],
    ["c", "skipped", "not needed"],
  ]);
});
