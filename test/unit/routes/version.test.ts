/** The version that an app runs as, and what it serves below other versions (G10). */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createEdgeApp, type EdgeAppOptions, type LogLine } from "../../../routes/index.ts";
import { RestateIdentity } from "../../../src/testing/restate-identity.ts";
import { DECODE, DISCOVER, echoService, INVOKE } from "../endpoint/echo-service.ts";

const restate = new RestateIdentity();
const REQUESTS = [
  ["/discover", DISCOVER],
  ["/invoke/Echo/say", INVOKE],
  ["/serdes/Echo/decode/say/input", DECODE],
] as const;

beforeEach(() => {
  for (const name of ["APP_VERSION", "DENO_DEPLOY_BUILD_ID", "DENO_DEPLOYMENT_ID", "RESTATE_ADMIN_URL"]) {
    vi.stubEnv(name, undefined);
  }
  vi.stubEnv("RESTATE_IDENTITY_KEYS", undefined);
  vi.stubEnv("ENVIRONMENT", "development");
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
});

const app = (options: Partial<EdgeAppOptions> = {}) =>
  createEdgeApp({ services: [echoService], log: false, ...options });
const version = async (bindings: object = {}): Promise<unknown> =>
  ((await (await app().request("/health", {}, bindings)).json()) as { version: unknown }).version;

describe("APP_VERSION", () => {
  test("goes before what the platform tells", async () => {
    vi.stubEnv("DENO_DEPLOY_BUILD_ID", "build-1");
    expect(await version()).toBe("build-1");
    vi.stubEnv("APP_VERSION", " 1.2.3-rc_4 ");
    expect(await version()).toBe("1.2.3-rc_4");
    vi.stubGlobal("navigator", { userAgent: "Cloudflare-Workers" });
    const CF_VERSION_METADATA = { id: "version-1" };
    expect(await version({ CF_VERSION_METADATA })).toBe("version-1");
    expect(await version({ CF_VERSION_METADATA, APP_VERSION: "v7" })).toBe("v7");
    expect(await version({ CF_VERSION_METADATA, APP_VERSION: " " })).toBe("version-1");
  });

  test.each(["a b", "a/b", "%61", "..", "ä", "a".repeat(65), "hunter:2"])(
    "that cannot stand in a path stops what serves versions, and nothing else: %j",
    async (value) => {
      vi.stubEnv("APP_VERSION", value);
      vi.stubEnv("DENO_DEPLOY_BUILD_ID", "build-1");
      const one = app();
      for (const path of ["/restate/discover", "/restate/v/build-1/discover"]) {
        const answer = await one.request(path, DISCOVER);
        const problem = (await answer.json()) as { code: string; detail: string };
        expect([answer.status, problem.code]).toEqual([503, "invalid-settings"]);
        expect(problem.detail).toMatch(/^Cannot use the setting APP_VERSION: 1 to 64 letters, digits, dots/);
      }
      expect(await version()).toBe(null);
      const ready = await one.request("/ready");
      const text = await ready.text();
      expect([ready.status, text]).toEqual([503, expect.stringMatching(/"registered","status":"fail".*APP_VERSION/)]);
      expect(text).not.toContain("hunter");
    },
  );

  test("that changes takes effect without a new app", async () => {
    const one = app();
    const status = async (path: string): Promise<number> => (await one.request(path, DISCOVER)).status;
    vi.stubEnv("APP_VERSION", "1");
    expect([await status("/restate/v/1/discover"), await status("/restate/v/2/discover")]).toEqual([200, 503]);
    vi.stubEnv("APP_VERSION", "2");
    expect([await status("/restate/v/1/discover"), await status("/restate/v/2/discover")]).toEqual([503, 200]);
  });

  test("is what Restate discovers", async () => {
    vi.stubEnv("APP_VERSION", "v7");
    for (const path of ["/restate/discover", "/restate/v/v7/discover"]) {
      expect(await (await app().request(path, DISCOVER)).json()).toMatchObject({
        services: [{ name: "Echo", metadata: { "restate-edge-agents/version": "v7" } }],
      });
    }
  });
});

describe.each(REQUESTS)("%s", (path, init) => {
  test("below another version is a problem that asks to come again", async () => {
    vi.stubEnv("APP_VERSION", "v7");
    const answer = await app().request(`/restate/v/v6${path}`, init);
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "30"]);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(await answer.json()).toEqual({
      type: "about:blank",
      title: "Another version is asked for than runs here",
      status: 503,
      code: "version-mismatch",
      detail: expect.stringContaining('version "v7" runs here') as string,
    });
  });

  test("is served under another mount, too", async () => {
    vi.stubEnv("APP_VERSION", "v7");
    const moved = app({ mount: "/internal/restate.v1" });
    expect((await moved.request(`/internal/restate.v1/v/v7${path}`, init)).status).toBe(200);
    expect((await moved.request(`/internal/restate.v1/v/v6${path}`, init)).status).toBe(503);
    expect((await moved.request(`/restate/v/v7${path}`, init)).status).toBe(404);
  });

  test("of a platform's version is served, too", async () => {
    vi.stubGlobal("navigator", { userAgent: "Cloudflare-Workers" });
    const id = "7b0c1de6-0c3e-4d8f-9d0c-2f2b1f0a1b2c";
    const bindings = { ENVIRONMENT: "development", CF_VERSION_METADATA: { id } };
    expect((await app().request(`/restate/v/${id}${path}`, init, bindings)).status).toBe(200);
    expect((await app().request(`/restate/v/${id.slice(0, 8)}${path}`, init, bindings)).status).toBe(503);
  });

  test("is for Restate alone, whatever version is asked for", async () => {
    vi.stubEnv("APP_VERSION", "v7");
    vi.stubEnv("RESTATE_IDENTITY_KEYS", restate.publicKey);
    const signed = { ...init, headers: { ...init.headers, ...restate.headers(path) } };
    for (const asked of ["v7", "v6"]) {
      expect((await app().request(`/restate/v/${asked}${path}`, init)).status).toBe(401);
      expect((await app().request(`/restate/v/${asked}${path}`, signed)).status).toBe(asked === "v7" ? 200 : 503);
    }
    vi.stubEnv("RESTATE_IDENTITY_KEYS", undefined);
    vi.stubEnv("ENVIRONMENT", "production");
    for (const asked of ["v7", "v6"]) {
      const answer = await app().request(`/restate/v/${asked}${path}`, init);
      expect(await answer.json()).toMatchObject({ code: "identity-keys-missing" });
    }
  });
});

test.each([
  "/restate/v",
  "/restate/v/",
  "/restate/v/v7",
  "/restate/v/v7/",
  "/restate/v//discover",
  "/restate/v/v7//discover",
  "/restate/v/v7/health",
  "/restate/v/%76%37/discover",
  "/restate/v/v7%2fdiscover",
  "/restate/v%2fv7/discover",
  "/restate/v/v7/%64iscover",
  "/restate/v/%E0%A4%A/discover",
  "/restate/v/v7%00/discover",
  "/restate/v/v7;x/discover",
  "/restate/v/v7%20/discover",
  "/restate/v/v7/v/v7/discover",
  `/restate/v/${"v".repeat(65)}/discover`,
  `/restate/v/${"v".repeat(8_000)}/discover`,
  "/restate/v/%2e%2e%2fdiscover",
  "/v/v7/discover",
  "/restate/V/v7/discover",
])("%s is not found", async (path) => {
  vi.stubEnv("APP_VERSION", "v7");
  for (const init of [DISCOVER, INVOKE]) {
    const answer = await app().request(path, init);
    expect([answer.status, await answer.json()]).toEqual([404, expect.objectContaining({ code: "not-found" })]);
  }
});

test("dots are what they are in every URL", async () => {
  vi.stubEnv("APP_VERSION", "v7");
  for (const path of ["/restate/v/v6/../v7/discover", "/restate/v/../discover", "/restate/v/%2e%2e/discover"]) {
    expect((await app().request(path, DISCOVER)).status).toBe(200);
  }
  expect((await app().request("/restate/v/v7/../v6/discover", DISCOVER)).status).toBe(503);
});

test("the log has patterns, and no version that a stranger made up", async () => {
  vi.stubEnv("APP_VERSION", "v7");
  const lines: LogLine[] = [];
  const one = app({ log: (line) => lines.push(line) });
  await one.request("/restate/v/v7/discover", DISCOVER);
  await one.request("/restate/v/hunter2/invoke/Echo/say", INVOKE);
  await one.request("/restate/v/v7/serdes/Echo/decode/say/input", DECODE);
  await one.request("/restate/v/hunter2/x", DISCOVER);
  expect(lines).toMatchObject([
    { route: "/restate/v/{version}/discover", status: 200 },
    {
      route: "/restate/v/{version}/invoke/{service}/{handler}",
      service: "Echo",
      handler: "say",
      code: "version-mismatch",
    },
    { route: "/restate/v/{version}/*", service: "Echo", status: 200 },
    { route: "/restate/v/{version}/*", status: 404 },
  ]);
  expect(JSON.stringify(lines)).not.toContain("hunter2");
});
