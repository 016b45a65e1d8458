import { afterEach, beforeEach, expect, test } from "vitest";
import { DenoDeployApi } from "../../../../cli/deno-deploy/api.ts";
import { Redactor } from "../../../../cli/tool/redact.ts";
import { listen, type LoopbackServer } from "../../../../src/testing/http-server.ts";

interface Scripted {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

let server: LoopbackServer;
let script: (Scripted | "cut")[] = [];
let calls: string[] = [];
const redactor = new Redactor({});

beforeEach(async () => {
  calls = [];
  server = await listen(async ({ method, url, headers }, response) => {
    calls.push(`${method} ${url} ${headers.authorization} ${String(headers["x-deno-org"])}`);
    const next = script.shift() ?? { status: 500 };
    if (next === "cut") {
      response.destroy();
      return;
    }
    response.writeHead(next.status, next.headers);
    response.end(typeof next.body === "string" ? next.body : JSON.stringify(next.body));
  });
});
afterEach(() => server.close());

function api(more: Readonly<Record<string, string>> = {}, signal = new AbortController().signal): DenoDeployApi {
  const environment = { DENO_DEPLOY_TOKEN: "ddo_secret_token", DENO_DEPLOY_ENDPOINT: server.url, ...more };
  return new DenoDeployApi({ environment, redactor, signal });
}

const APP = { id: "1", slug: "desk" };

test("the token goes with each call, the organization where it is named, and neither is ever printed", async () => {
  script = [{ status: 200, body: APP }];
  expect(await api({ DENO_DEPLOY_ORG: "acme" }).app("desk")).toMatchObject(APP);
  expect(calls).toEqual(["GET /api/v2/apps/desk Bearer ddo_secret_token acme"]);
  expect(redactor.clean("token ddo_secret_token")).toBe("token ***");
});

test("without a token nothing is called", () => {
  expect(() => api({ DENO_DEPLOY_TOKEN: "" })).toThrow(expect.objectContaining({ code: "deno-token-missing" }));
});

test("what only reads is tried again; what was not found is no failure", async () => {
  script = ["cut", { status: 503 }, { status: 200, body: APP }];
  expect(await api().app("desk")).toMatchObject(APP);
  script = [{ status: 404, body: { code: "APP_NOT_FOUND", message: "no" } }];
  expect(await api().app("desk")).toBeUndefined();
  expect(calls).toHaveLength(4);
});

test("reading gives up in the end, and says why", async () => {
  script = ["cut", "cut", "cut", "cut"];
  await expect(api().app("desk")).rejects.toMatchObject({ code: "deno-deploy-unreachable", exitCode: 4 });
  expect(calls).toHaveLength(4);
});

test("what changes something is sent once, unless it is certain that nothing was done", async () => {
  script = ["cut"];
  await expect(api().createApp("desk", {})).rejects.toMatchObject({ code: "deno-deploy-unreachable" });
  script = [{ status: 500, body: { code: "INTERNAL", message: "sorry" } }];
  await expect(api().createApp("desk", {})).rejects.toMatchObject({
    code: "deno-deploy-failed",
    message: "Cannot create the app desk: sorry (INTERNAL)",
  });
  expect(calls).toHaveLength(2);
  script = [
    { status: 429, headers: { "retry-after": "0" } },
    { status: 200, body: APP },
  ];
  expect(await api().createApp("desk", {})).toBe(true);
  script = [{ status: 409, body: { code: "APP_SLUG_IN_USE", message: "taken" } }];
  expect(await api().createApp("desk", {})).toBe(false);
});

test("a pause that the platform asks for is kept, and Ctrl-C ends it", async () => {
  script = [{ status: 429, headers: { "retry-after": "20" } }];
  const interrupt = new AbortController();
  const asked = api({}, interrupt.signal).app("desk");
  const expected = expect(asked).rejects.toThrow("stopped");
  while (calls.length === 0) await new Promise((resolve) => setImmediate(resolve));
  interrupt.abort(new Error("stopped"));
  await expected;
  expect(calls).toHaveLength(1);
});

test("an answer of another form than expected is told as such", async () => {
  script = [{ status: 200, body: { id: "1", status: "frozen" } }];
  await expect(api().revision("1")).rejects.toMatchObject({
    code: "deno-deploy-failed",
    details: { issues: [expect.stringContaining("status") as string] },
  });
});

test("the build log comes line by line; what is no line of it is left out", async () => {
  script = [{ status: 200, body: '{"level":"info","message":"a","step":"building"}\nnonsense\n{"message":"b"}\n' }];
  expect((await api().buildLog("1")).map(({ message }) => message)).toEqual(["a", "b"]);
});
