/** The playground's routes: P1 to P4 of routes/playground.ts. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createEdgeApp } from "../../../routes/index.ts";
import type { PlaygroundFiles } from "../../../routes/playground-files.ts";
import { listen, type LoopbackServer } from "../../../src/testing/http-server.ts";
import { echoService } from "../endpoint/echo-service.ts";

const KEY = "an-api-key-of-tests";
const PAGE_KEY = "the-key-of-the-page-alone";
const OWN = { "x-playground": "1", "sec-fetch-site": "same-origin" };

/** As static assets answer. */
const files: PlaygroundFiles = {
  fetch: ({ url }) => {
    const { pathname } = new URL(url);
    const found: Readonly<Record<string, string>> = {
      "/": "text/html",
      "/playground/index-a1B2c3D4.js": "text/javascript",
      "/playground/icon.svg": "image/svg+xml",
    };
    const type = found[pathname];
    return Promise.resolve(
      type === undefined
        ? new Response("no such asset", { status: 404 })
        : new Response(`content of ${pathname}`, { headers: { "content-type": type, "x-asset": "1" } }),
    );
  },
};
const app = createEdgeApp({ services: [echoService], publicServices: [echoService], log: false, playground: files });

const NAMES = ["PLAYGROUND", "PLAYGROUND_KEY", "PLAYGROUND_CONTROL_URL", "ENVIRONMENT", "RESTATE_ADMIN_URL"];
const servers: LoopbackServer[] = [];

beforeEach(() => {
  for (const name of NAMES) vi.stubEnv(name, undefined);
  vi.stubEnv("AGENT_API_KEYS", `${KEY},${PAGE_KEY}`);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

function developing(): void {
  vi.stubEnv("ENVIRONMENT", "development");
  vi.stubEnv("PLAYGROUND_KEY", PAGE_KEY);
  vi.stubEnv("RESTATE_ADMIN_URL", "http://127.0.0.1:9070/");
}

/** A development stack; what it was asked. */
async function control(status = 202): Promise<string[]> {
  const asked: string[] = [];
  const server = await listen(async ({ method, url }, response) => {
    asked.push(`${method} ${url}`);
    response.writeHead(status, { "content-type": "application/json" }).end("{}");
  });
  servers.push(server);
  vi.stubEnv("PLAYGROUND_CONTROL_URL", `${server.url}/secret`);
  return asked;
}

const get = (path: string, headers: Record<string, string> = {}, origin = "http://localhost:9080") =>
  app.request(`${origin}${path}`, { headers });
const codeOf = async (response: Response): Promise<unknown> => ((await response.json()) as { code: unknown }).code;

test.each([
  ["in production", {}],
  ["in production, with another word than on", { PLAYGROUND: "yes" }],
  ["in development, when it is switched off", { ENVIRONMENT: "development", PLAYGROUND: "off" }],
])("nothing is there %s (P4)", async (_when, settings) => {
  for (const [name, value] of Object.entries(settings)) vi.stubEnv(name, value);
  vi.stubEnv("PLAYGROUND_KEY", PAGE_KEY);
  await control();
  for (const path of ["/", "/playground/icon.svg", "/playground/index-a1B2c3D4.js", "/playground/config"]) {
    const answer = await get(path, OWN);
    expect([path, answer.status, await codeOf(answer)]).toEqual([path, 404, "not-found"]);
  }
  const headers = { authorization: `Bearer ${KEY}` };
  const crash = await app.request("/playground/crash", { method: "POST", headers });
  expect([crash.status, await codeOf(crash)]).toEqual([404, "not-found"]);
  // Not even which methods there would be.
  expect((await app.request("/", { method: "DELETE" })).status).toBe(404);
});

test.each([{ ENVIRONMENT: "development" }, { PLAYGROUND: "on" }])("the page is served with %o", async (settings) => {
  for (const [name, value] of Object.entries(settings)) vi.stubEnv(name, value);
  const answer = await get("/");
  expect(answer.status).toBe(200);
  expect(await answer.text()).toBe("content of /");
  expect(answer.headers.get("content-type")).toBe("text/html");
  expect(answer.headers.get("cache-control")).toBe("no-cache");
  const policy = answer.headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
  expect(policy).not.toMatch(/unsafe|\*|https?:/);
  expect(answer.headers.get("x-frame-options")).toBe("DENY");
  // Only what we say of it, not what the assets said.
  expect(answer.headers.get("x-asset")).toBeNull();
  expect((await get("/playground/icon.svg")).headers.get("cache-control")).toBe("no-cache");
  const script = await get("/playground/index-a1B2c3D4.js");
  expect(script.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
  expect((await get("/playground/other.js")).status).toBe(404);
  expect((await app.request("/", { method: "POST" })).status).toBe(404);
  expect((await app.request("/", { method: "HEAD" })).status).toBe(200);
});

test("a page that is not built is 404, and says what to do", async () => {
  vi.stubEnv("PLAYGROUND", "on");
  const bare = createEdgeApp({ services: [echoService], log: false });
  const answer = await bare.request("/");
  expect(answer.status).toBe(404);
  expect(await answer.text()).toContain("build:web");
});

test("playground: false is no playground", async () => {
  vi.stubEnv("PLAYGROUND", "on");
  const none = createEdgeApp({ services: [echoService], log: false, playground: false });
  expect((await none.request("/")).status).toBe(404);
});

test("the page is given its own key in development, and no other (P2)", async () => {
  developing();
  await control();
  for (const origin of ["http://localhost:9080", "http://127.0.0.1:9080", "http://[::1]:9080"]) {
    const answer = await get("/playground/config", OWN, origin);
    expect(await answer.json()).toEqual({
      name: "restate-edge-agents",
      development: true,
      key: PAGE_KEY,
      canCrash: true,
      restateUi: "http://127.0.0.1:9070",
    });
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
  }
});

test.each([
  ["of another site's page", { ...OWN, "sec-fetch-site": "cross-site" }],
  ["of a page at another port", { ...OWN, "sec-fetch-site": "same-site" }],
  ["that a person typed in", { ...OWN, "sec-fetch-site": "none" }],
  ["without the header, as any page can send it", { "sec-fetch-site": "same-origin" }],
  ["of an old browser, as any page can send it", {}],
])("a request %s gets no key (P2)", async (_what, headers) => {
  developing();
  const answer = await get("/playground/config", headers);
  expect(answer.status).toBe(403);
  expect(await answer.text()).not.toContain(PAGE_KEY);
});

test("the preflight of another site's page is not answered (P2)", async () => {
  developing();
  const answer = await app.request("http://localhost:9080/playground/config", {
    method: "OPTIONS",
    headers: {
      origin: "https://evil.example",
      "access-control-request-method": "GET",
      "access-control-request-headers": "x-playground",
    },
  });
  expect(answer.headers.get("access-control-allow-origin")).toBeNull();
  expect(answer.headers.get("access-control-allow-headers")).toBeNull();
});

test.each([
  ["a name that was pointed at this machine", "http://evil.example:9080", {}],
  ["such a name in the header alone", "http://127.0.0.1:9080", { host: "evil.example:9080" }],
  ["a name that begins like localhost", "http://localhost.evil.example:9080", {}],
  ["an address in the network", "http://192.168.1.7:9080", {}],
])("%s gets no key (P2)", async (_what, origin, more) => {
  developing();
  await control();
  const answer = await get("/playground/config", { ...OWN, ...more }, origin);
  expect(await answer.json()).toEqual({ name: "restate-edge-agents", development: true, canCrash: false });
});

test("in production the page is told nothing, whatever is set (P2)", async () => {
  developing();
  await control();
  vi.stubEnv("ENVIRONMENT", "production");
  vi.stubEnv("PLAYGROUND", "on");
  const answer = await get("/playground/config", OWN);
  expect(await answer.json()).toEqual({ name: "restate-edge-agents", development: false, canCrash: false });
});

test("the app is crashed by those with a key, in development (P3)", async () => {
  developing();
  const asked = await control();
  const crash = (key?: string): Response | Promise<Response> =>
    app.request("/playground/crash", {
      method: "POST",
      headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
    });
  expect((await crash()).status).toBe(401);
  expect((await crash("another-key-of-tests")).status).toBe(401);
  expect(asked).toEqual([]);
  expect((await crash(PAGE_KEY)).status).toBe(202);
  expect(asked).toEqual(["POST /secret/crash"]);

  vi.stubEnv("ENVIRONMENT", "production");
  vi.stubEnv("PLAYGROUND", "on");
  expect((await crash(PAGE_KEY)).status).toBe(404);
  expect(asked).toHaveLength(1);
});

test("a stack that does not answer is said so", async () => {
  developing();
  await control(500);
  const headers = { authorization: `Bearer ${PAGE_KEY}` };
  const answer = await app.request("/playground/crash", { method: "POST", headers });
  expect([answer.status, await codeOf(answer)]).toEqual([503, "stack-unreachable"]);
  expect(answer.headers.get("retry-after")).toBe("2");
});
