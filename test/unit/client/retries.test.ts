import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type AgentClientOptions, createClient } from "../../../src/client/index.ts";
import { backoffMs, retryAfterMs } from "../../../src/client/retry.ts";
import { waitUntil } from "../../../src/testing/wait.ts";
import { API_KEY, ContractServer, type Fault } from "./contract-server.ts";
import { failureOf } from "./failure-of.ts";

let server: ContractServer;
beforeAll(async () => {
  server = await ContractServer.start();
});
afterAll(() => server.close());
afterEach(() => server.reset());

interface Echo {
  (input: string, options?: object): Promise<unknown>;
}

const html = (status: number): Fault => ({
  status,
  headers: { "content-type": "text/html" },
  body: "<html>proxy</html>",
});
const problem = (status: number, code: string, headers: Record<string, string> = {}): Fault => ({
  status,
  headers: { "content-type": "application/problem+json", ...headers },
  body: JSON.stringify({ status, code, detail: "Later" }),
});

const connect = (options: Partial<AgentClientOptions> = {}) =>
  createClient({ url: server.url, apiKey: API_KEY, retryDelayMs: 1, ...options });
const run: Echo = async (input, options) => connect().service("WeatherAgent")["run"]?.(input, options);

const TRANSIENT: [string, Fault][] = [
  ["a connection that breaks before", "cut"],
  ["a connection that breaks after the work", "cut-after"],
  ["503 with retry-after", problem(503, "restate-unreachable", { "retry-after": "0" })],
  ["503 of an unreachable Restate whose retry-after is hidden", problem(503, "restate-unreachable")],
  ["429", problem(429, "rate-limited", { "retry-after": "0" })],
  ["a proxy's 502", html(502)],
  ["a proxy's 503", html(503)],
  ["a proxy's 504", html(504)],
];

describe("with an idempotency key", () => {
  it.each(TRANSIENT)("a call goes through after %s, and runs once", async (_name, fault) => {
    server.faults = [fault, fault, fault];
    expect(await run("a")).toBe("a");
    expect(server.requests).toHaveLength(4);
    expect(server.executed).toHaveLength(1);
    expect(new Set(server.requests.map(({ headers }) => headers["idempotency-key"])).size).toBe(1);
  });

  it("a call gives up after its retries, and tells the key with which it can be repeated", async () => {
    server.faults = Array.from({ length: 20 }, () => "cut-after" as const);
    const error = await failureOf(connect({ maxRetries: 2 }).service("WeatherAgent")["run"]?.("a"));
    expect(server.requests).toHaveLength(3);
    expect(error).toMatchObject({ kind: "unavailable", code: "connection-failed", status: undefined });
    expect(error.idempotencyKey).toBe(server.requests[0]?.headers["idempotency-key"]);
    server.faults = [];
    expect(await run("a", { idempotencyKey: error.idempotencyKey })).toBe("a");
    expect(server.executed).toHaveLength(1);
  });

  it("64 calls through a bad network run once each", async () => {
    const faults: (Fault | undefined)[] = ["cut", undefined, "cut-after", html(502), undefined, undefined];
    server.faults = Array.from({ length: 120 }, (_, n) => faults[n % faults.length]);
    server.looks = 1;
    const inputs = Array.from({ length: 64 }, (_, n) => `n${n}`);
    const client = connect({ maxRetries: 50 }).service("WeatherAgent");
    expect(await Promise.all(inputs.map(async (input) => client["run"]?.(input)))).toEqual(inputs);
    expect(server.executed).toHaveLength(inputs.length);
    expect(new Set(server.executed.map(({ input }) => input))).toEqual(new Set(inputs));
  });

  it("does not wait for a retry-after beyond its time limit", async () => {
    server.faults = [problem(503, "restate-unreachable", { "retry-after": "60" })];
    const error = await failureOf(run("a", { timeoutMs: 5_000 }));
    expect(error).toMatchObject({ kind: "unavailable", code: "restate-unreachable", retryAfterMs: 60_000 });
    expect(server.requests).toHaveLength(1);
  });
});

describe("a workflow", () => {
  const started: Fault = {
    status: 409,
    headers: { "content-type": "application/problem+json" },
    body: JSON.stringify({ code: "workflow-already-started", detail: "Once", invocationId: "inv_0test" }),
  };
  const start = () => connect().workflow("Signup", "ada")["run"]?.("a");

  it.each([
    ["429", problem(429, "rate-limited", { "retry-after": "0" })],
    ["a proxy's 429", html(429)],
  ])("that was started by somebody else is not ours after %s, for nothing began", async (_name, fault) => {
    server.faults = [fault, started];
    expect(await failureOf(start())).toMatchObject({ code: "workflow-already-started", status: 409 });
    expect(server.requests).toHaveLength(2);
  });

  it("is ours when any attempt before may have been heard", async () => {
    server.faults = ["cut-after", html(429), started];
    expect(await start()).toBe("a");
    expect(server.executed).toHaveLength(1);
  });
});

describe("without an idempotency key", () => {
  it.each(TRANSIENT)("a call is not repeated after %s", async (_name, fault) => {
    server.faults = [fault];
    const error = await failureOf(run("a", { idempotencyKey: false }));
    expect(error.kind).toBe("unavailable");
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]?.headers["idempotency-key"]).toBeUndefined();
  });

  it("waiting for its result is repeated all the same", async () => {
    server.looks = 1;
    server.faults = [undefined, "cut", html(502), "cut-after"];
    expect(await run("a", { idempotencyKey: false })).toBe("a");
    expect(server.requests.map(({ method }) => method)).toEqual(["POST", "GET", "GET", "GET", "GET"]);
  });
});

describe("reading and cancelling", () => {
  it.each(TRANSIENT)("goes through after %s", async (_name, fault) => {
    server.looks = 1_000;
    const invocation = await connect().service("WeatherAgent")["run"]?.send("a");
    server.faults = [fault];
    expect(await invocation?.status()).toBe("running");
    server.faults = [fault];
    expect(await invocation?.cancel()).toBe(true);
    server.faults = [fault];
    expect(await failureOf(invocation?.result())).toMatchObject({ kind: "agent-failed" });
  });
});

describe("time", () => {
  it("ends a call whose invocation goes on, and tells its id", async () => {
    server.looks = 1_000_000;
    const error = await failureOf(run("a", { timeoutMs: 100 }));
    expect(error).toMatchObject({ kind: "timeout", code: "timeout", invocationId: "inv_0test" });
    expect(error.message).toContain("inv_0test goes on");
    server.reset();
  });

  it("ends a call that is not answered", async () => {
    // More than one: a last look of the test before may still arrive.
    server.faults = ["hang", "hang", "hang"];
    const error = await failureOf(run("a", { timeoutMs: 100 }));
    server.faults = [];
    expect(error).toMatchObject({ kind: "timeout", code: "timeout", invocationId: undefined });
    expect(server.requests.map(({ headers }) => headers["idempotency-key"])).toContain(error.idempotencyKey);
    expect(error.idempotencyKey).toBeDefined();
  });

  it("asks the app to answer before the limit, so that the id is known", async () => {
    await run("a", { timeoutMs: 9_400 });
    await run("a", { timeoutMs: 1_400 });
    expect(server.requests.slice(0, 2).map(({ headers }) => headers["prefer"])).toEqual(["wait=8", "respond-async"]);
  });

  it.each([undefined, new AbortController().signal])("leaves no timer behind (signal: %s)", async (signal) => {
    const set = vi.spyOn(globalThis, "setTimeout");
    const clear = vi.spyOn(globalThis, "clearTimeout");
    const platform = vi.spyOn(AbortSignal, "timeout");
    const fetch = vi.fn(async () => Promise.resolve(Response.json(1)));
    try {
      for (const answer of [fetch, vi.fn(async () => Promise.reject(new TypeError("no")))]) {
        await connect({ fetch: answer, maxRetries: 0 })
          .service("S")
          ["run"]?.("a", { signal })
          .catch(() => undefined);
      }
      expect(set).toHaveBeenCalledTimes(2);
      expect(clear.mock.calls.map(([timer]) => timer)).toEqual(set.mock.results.map(({ value }) => value as unknown));
      expect(platform).not.toHaveBeenCalled();
    } finally {
      vi.restoreAllMocks();
    }
  });

  it("a signal that was given up already sends nothing", async () => {
    const reason = new Error("The user went away");
    await expect(run("a", { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(server.requests).toHaveLength(0);
  });

  it.each([undefined, false] as const)("a signal gives up a request that is not answered (key: %s)", async (key) => {
    server.faults = ["hang"];
    const controller = new AbortController();
    const reason = new Error("The user went away");
    const call = run("a", { signal: controller.signal, idempotencyKey: key });
    await waitUntil("No request", () => server.requests.length === 1);
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
  });

  it("a signal gives up a pause, with its own reason", async () => {
    server.looks = 1_000_000;
    const controller = new AbortController();
    const reason = new Error("The user went away");
    const real = globalThis.setTimeout;
    const timer = vi.spyOn(globalThis, "setTimeout");
    timer.mockImplementation((callback, ms, ...rest): NodeJS.Timeout => {
      // 60 s are cut to 10 s, of which a half is left to chance.
      if (ms !== undefined && ms >= 5_000 && ms <= 10_000) queueMicrotask(() => controller.abort(reason));
      return real(callback, ms, ...rest);
    });
    try {
      const call = connect({ retryDelayMs: 60_000 })
        .service("WeatherAgent")
        ["run"]?.("a", { signal: controller.signal });
      await expect(call).rejects.toBe(reason);
      expect(server.requests.map(({ method }) => method)).toEqual(["POST", "GET"]);
    } finally {
      timer.mockRestore();
    }
  });
});

describe("pauses", () => {
  it("double up to ten seconds, with at most half of them left to chance", () => {
    const bounds = [1, 2, 3, 10].map((n) => Array.from({ length: 200 }, () => backoffMs(n, 250)));
    for (const [index, full] of [250, 500, 1_000, 10_000].entries()) {
      const pauses = bounds[index] ?? [];
      expect(Math.min(...pauses)).toBeGreaterThanOrEqual(full / 2);
      expect(Math.max(...pauses)).toBeLessThanOrEqual(full);
      expect(new Set(pauses).size).toBeGreaterThan(100);
    }
  });

  it("follow retry-after as seconds and as a date", () => {
    const of = (value: string): number | undefined => retryAfterMs(new Headers({ "retry-after": value }));
    expect(of("3")).toBe(3_000);
    expect(of(new Date(Date.now() + 60_000).toUTCString())).toBeGreaterThan(50_000);
    expect(of("Wed, 21 Oct 2015 07:28:00 GMT")).toBe(0);
    expect(of("soon")).toBeUndefined();
    expect(retryAfterMs(new Headers())).toBeUndefined();
  });
});
