/** What the client must never do: show a key, follow it elsewhere, believe what is not the app. */
import { inspect } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { AgentClientError, type AgentClientOptions, createClient } from "../../../src/client/index.ts";
import { listen } from "../../../src/testing/http-server.ts";
import { API_KEY, ContractServer } from "./contract-server.ts";
import { failureOf } from "./failure-of.ts";

let server: ContractServer;
beforeAll(async () => {
  server = await ContractServer.start();
});
afterAll(() => server.close());
afterEach(() => server.reset());

const connect = (options: Partial<AgentClientOptions> = {}) =>
  createClient({ url: server.url, apiKey: API_KEY, retryDelayMs: 1, maxRetries: 1, ...options });
const run = (options: Partial<AgentClientOptions> = {}) => connect(options).service("WeatherAgent")["run"]?.("a");

describe("the API key", () => {
  it("is in one header and nowhere else", async () => {
    await run();
    const [request] = server.requests;
    const { authorization, ...others } = request?.headers ?? {};
    expect(authorization).toBe(`Bearer ${API_KEY}`);
    expect(JSON.stringify([request?.url, others, request?.body])).not.toContain(API_KEY);
  });

  it("is asked for at each request, so that it can be renewed", async () => {
    let asked = 0;
    server.looks = 2;
    expect(await run({ apiKey: async () => (++asked > 0 ? API_KEY : "") })).toBe("a");
    expect(asked).toBe(server.requests.length);
  });

  it("is not in errors or in the client", async () => {
    const faults = [
      "cut",
      { status: 401 },
      { status: 502, body: `<html>${API_KEY}</html>` },
      { status: 200, body: API_KEY },
    ] as const;
    for (const fault of faults) {
      server.faults = [fault, fault];
      const error = await failureOf(run());
      expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(API_KEY);
      expect(JSON.stringify(error)).not.toContain(API_KEY);
    }
    expect(inspect(connect(), { depth: 20, showHidden: true })).not.toContain(API_KEY);
  });

  it.each(["", "two words", "line\nbreak", "schlüssel"])(
    "that no header can carry is refused, untold: %j",
    async (apiKey) => {
      const error = await failureOf(run({ apiKey }));
      expect(error).toMatchObject({ kind: "bad-request", code: "invalid-options" });
      if (apiKey !== "") expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(apiKey);
      expect(server.requests).toHaveLength(0);
    },
  );

  it("of other headers: their values are not told either", async () => {
    const error = await failureOf(run({ headers: { "cf-access-client-secret": "a\nsecret" } }));
    expect(error.message).toContain('"cf-access-client-secret"');
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain("a\\nsecret");
  });

  it.each([301, 302, 303, 307, 308])("does not follow a redirect of %i to another host", async (status) => {
    let visits = 0;
    const other = await listen(async (_request, response) => {
      visits++;
      response.end("{}");
    });
    try {
      server.faults = [{ status, headers: { location: `${other.url}/agents/WeatherAgent/run` } }];
      expect(await failureOf(run())).toMatchObject({ kind: "server-error", code: "redirected", status });
      expect(visits).toBe(0);
    } finally {
      await other.close();
    }
  });

  it("does not follow the location of a 202 to another host", async () => {
    const headers = { "content-type": "application/json", location: "http://127.0.0.1:1/agents/invocations/inv_1x" };
    server.faults = [{ status: 202, headers, body: '{"id":"inv_0test"}' }];
    expect(await failureOf(run())).toMatchObject({ code: "invocation-not-found" });
    expect(server.requests[1]?.url).toBe("/agents/invocations/inv_0test?wait=25");
  });
});

describe("an answer that is not the app's", () => {
  it.each([
    ["HTML instead of a result", 200, "text/html", "<html>", "server-error"],
    ["text instead of a result", 200, "text/plain", "hello", "server-error"],
    ["no type", 200, undefined, "hello", "server-error"],
    ["JSON that is none", 200, "application/json", "{", "server-error"],
    ["a proxy's 404", 404, "text/html", "<html>", "bad-request"],
    ["a proxy's 403", 403, "text/html", "<html>", "unauthorized"],
    ["a proxy's 500", 500, "text/html", "<html>", "server-error"],
    ["JSON of another server", 500, "application/json", '{"message":"no code"}', "server-error"],
    ["a proxy's 502", 502, "text/html; charset=utf-8", "<html>", "unavailable"],
  ])("is told as such: %s", async (_name, status, type, body, kind) => {
    const fault = { status, body, ...(type === undefined ? {} : { headers: { "content-type": type } }) };
    server.faults = [fault, fault];
    const error = await failureOf(run());
    expect(error).toMatchObject({ kind, code: "unexpected-answer", status, agentError: undefined });
    expect(error.message).toMatch(
      new RegExp(
        `^Cannot run WeatherAgent/run: the answer is ${status} with ${type?.split(";")[0] ?? "no content type"}`,
      ),
    );
    expect(error.message).not.toContain(body);
  });

  it("gives no id that could lead elsewhere", async () => {
    const headers = { "content-type": "application/json", "x-restate-id": "../../admin" };
    server.faults = [{ status: 202, headers, body: '{"id":"../x"}' }];
    expect(await failureOf(run())).toMatchObject({ code: "unexpected-answer", status: 202 });
    expect(server.requests).toHaveLength(1);
  });
});

describe("options", () => {
  it.each([
    "ftp://x",
    "agents.example.com",
    "//other.example.com",
    "https://user:secret@x.example.com",
    "https://x.example.com?key=secret",
    "https://x.example.com#secret",
    "",
  ])("a url that cannot be used is refused, untold: %j", (url) => {
    let error: unknown;
    try {
      createClient({ url });
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: "invalid-options" });
    expect(String(error)).not.toContain("secret");
  });

  it.each([
    ["https://x.example.com", "https://x.example.com/agents/S/run"],
    ["https://x.example.com/", "https://x.example.com/agents/S/run"],
    ["https://x.example.com/ai/", "https://x.example.com/ai/agents/S/run"],
    ["/", "/agents/S/run"],
    ["/ai", "/ai/agents/S/run"],
  ])("with the url %s calls go to %s", async (url, expected) => {
    let called = "";
    const client = createClient({
      url,
      fetch: async (target) => {
        called = target;
        return Response.json(1);
      },
    });
    await client.service("S")["run"]?.();
    expect(called).toBe(expected);
  });

  it.each(["", ".", "..", "\ud800"])("the key %j, which would lead elsewhere, is refused", (key) => {
    expect(() => connect().object("Cart", key)).toThrow(AgentClientError);
    expect(() => connect().service(key)).toThrow(AgentClientError);
    expect(() => connect().invocation(key)).toThrow(AgentClientError);
  });

  it.each([
    ["timeoutMs", { timeoutMs: -1 }],
    ["timeoutMs", { timeoutMs: Number.NaN }],
    ["delayMs", { delayMs: -1 }],
    ["delayMs", { delayMs: Number.POSITIVE_INFINITY }],
  ])("%s has bounds", async (name, options) => {
    const error = await failureOf(connect().service("S")["run"]?.send("a", options));
    expect(error.code).toBe("invalid-options");
    expect(error.message).toContain(name);
    expect(server.requests).toHaveLength(0);
  });
});

describe("an input that is no JSON", () => {
  const circle: Record<string, unknown> = { secret: "s3cret" };
  circle["self"] = circle;
  const toJSON = (): never => {
    throw new Error("s3cret");
  };
  it.each([
    ["a bigint", { n: 1n }],
    ["a circle", circle],
    ["a function", () => 1],
    ["a symbol", Symbol("s3cret")],
    ["what throws", { toJSON }],
  ])("is refused and not told: %s", async (_name, input) => {
    const handler = connect().service("S")["run"];
    for (const call of [handler?.(input), handler?.send(input)]) {
      const error = await failureOf(call);
      expect(error).toMatchObject({ kind: "bad-request", code: "invalid-input", status: undefined });
      expect(inspect(error, { depth: 20, showHidden: true })).not.toContain("s3cret");
    }
    expect(server.requests).toHaveLength(0);
  });
});

it("cookies and other credentials of a browser stay at home, and redirects are not followed", async () => {
  let seen: RequestInit = {};
  await run({
    fetch: (url, init) => {
      seen = init;
      return fetch(url, init);
    },
  });
  expect(seen).toMatchObject({ credentials: "omit", redirect: "manual" });
});

it("knows its errors from another copy of the package", async () => {
  const path = "../../../src/client/client-error.ts?another-copy";
  const copy = (await import(/* @vite-ignore */ path)) as { AgentClientError: typeof AgentClientError };
  expect(copy.AgentClientError).not.toBe(AgentClientError);
  const error = new copy.AgentClientError({ kind: "timeout", code: "timeout", action: "x", detail: "y" });
  expect(error instanceof AgentClientError).toBe(false);
  expect(AgentClientError.isInstance(error)).toBe(true);
  expect(AgentClientError.isInstance(new Error("x"))).toBe(false);
  expect(AgentClientError.isInstance(null)).toBe(false);
});
