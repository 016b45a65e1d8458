import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type AgentClientOptions, createClient } from "../../../src/client/index.ts";
import { API_KEY, ContractServer } from "./contract-server.ts";
import { failureOf } from "./failure-of.ts";

let server: ContractServer;
beforeAll(async () => {
  server = await ContractServer.start();
});
afterAll(() => server.close());
afterEach(() => server.reset());

const connect = (options: Partial<AgentClientOptions> = {}) =>
  createClient({ url: server.url, apiKey: API_KEY, retryDelayMs: 1, ...options });
const weather = (options?: Partial<AgentClientOptions>) => connect(options).service("WeatherAgent");

describe("run()", () => {
  it("answers with the handler's result", async () => {
    server.outcome = (input) => ({ value: { echo: input } });
    expect(await weather()["run"]?.("Berlin?")).toEqual({ echo: "Berlin?" });
    const [request] = server.requests;
    expect(request).toMatchObject({ method: "POST", url: "/agents/WeatherAgent/run", body: "Berlin?" });
    expect(request?.headers).toMatchObject({
      authorization: `Bearer ${API_KEY}`,
      "content-type": "application/json",
      prefer: "wait=25",
    });
    expect(request?.headers["idempotency-key"]).toMatch(/^[0-9a-f]{32}$/);
  });

  it("sends no body without an input, and answers undefined for an empty result", async () => {
    server.outcome = () => ({ value: undefined });
    expect(await weather()["status"]?.()).toBeUndefined();
    expect(server.requests[0]?.headers["content-type"]).toBeUndefined();
    expect(server.requests[0]?.body).toBeUndefined();
  });

  it("encodes the key of an object, and reaches its handlers", async () => {
    const cart = connect().object("Cart", "a/b ?ü");
    await cart["add"]?.({ sku: 1 });
    expect(server.requests[0]?.url).toBe(`/agents/Cart/${encodeURIComponent("a/b ?ü")}/add`);
  });

  it("starts a workflow without a key, since its id is one", async () => {
    const signup = connect().workflow("Signup", "ada");
    await signup["run"]?.({ mail: "a@example.com" });
    await signup["approve"]?.();
    expect(server.requests.map(({ url }) => url)).toEqual(["/agents/Signup/ada/run", "/agents/Signup/ada/approve"]);
    const [run, approve] = server.requests.map(({ headers }) => headers["idempotency-key"]);
    expect(run).toBeUndefined();
    expect(approve).toBeDefined();
  });

  it.each(["cut", "cut-after"] as const)(
    "starts a workflow again after %s, and waits for the one that runs",
    async (fault) => {
      server.faults = [fault];
      expect(await connect().workflow("Signup", "ada")["run"]?.("a")).toBe("a");
      expect(server.executed).toHaveLength(1);
    },
  );

  it("tells that a workflow was started before, by whom ever, and which invocation it is", async () => {
    const { id } = (await connect().workflow("Signup", "ada")["run"]?.send("a")) ?? { id: "" };
    const error = await failureOf(connect().workflow("Signup", "ada")["run"]?.("b"));
    expect(error).toMatchObject({ kind: "bad-request", code: "workflow-already-started", invocationId: id });
    // Like Restate's own, `send` finds it.
    expect(await connect().workflow("Signup", "ada")["run"]?.send("b")).toMatchObject({ id });
  });

  it("gives results that handlers write as text or bytes", async () => {
    const headers = (type: string) => ({ "x-restate-id": "inv_0test", "content-type": type });
    server.faults = [{ status: 200, headers: headers("text/plain; charset=utf-8"), body: "grüß dich" }];
    expect(await weather()["run"]?.("a")).toBe("grüß dich");
    server.faults = [{ status: 200, headers: headers("application/octet-stream"), body: "abc" }];
    expect(await weather()["run"]?.("a")).toEqual(new TextEncoder().encode("abc"));
  });

  it("follows a chain of 202s to the result", async () => {
    server.looks = 4;
    expect(await weather()["run"]?.("Berlin?")).toBe("Berlin?");
    expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      "POST /agents/WeatherAgent/run",
      ...Array.from({ length: 4 }, () => "GET /agents/invocations/inv_0test?wait=25"),
    ]);
    expect(server.executed).toHaveLength(1);
  });

  it("passes on the caller's idempotency key, traceparent and headers; the same key is one invocation", async () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const options = { idempotencyKey: "order-1", traceparent, headers: { "x-tenant": "acme" } };
    await weather()["run"]?.("a", options);
    await weather()["run"]?.("a", options);
    expect(server.executed).toHaveLength(1);
    expect(server.requests[1]?.headers).toMatchObject({
      "idempotency-key": "order-1",
      traceparent,
      "x-tenant": "acme",
    });
  });

  it("tells a failed agent by its error and its invocation", async () => {
    const failure = { code: 503, message: "No model", errorCode: "model-call-failed", fields: { provider: "x" } };
    server.outcome = () => ({ failure, status: 503 });
    const error = await failureOf(weather()["run"]?.("a"));
    expect(error).toMatchObject({
      kind: "agent-failed",
      code: "invocation-failed",
      status: 503,
      invocationId: "inv_0test",
      agentError: failure,
      message: "Cannot run WeatherAgent/run: Detail of invocation-failed",
    });
    // Its status says "later", but it is the result: it is not asked for again.
    expect(server.requests).toHaveLength(1);
  });

  it.each([
    [401, "unauthorized", "unauthorized"],
    [404, "not-found", "bad-request"],
    [413, "body-too-large", "bad-request"],
    [500, "internal-error", "server-error"],
    [503, "api-keys-missing", "server-error"],
  ])("does not repeat what is answered with %i %s", async (status, code, kind) => {
    const body = JSON.stringify({ type: "about:blank", status, code, detail: "Detail", errors: [1] });
    server.faults = [{ status, body, headers: { "content-type": "application/problem+json" } }];
    const error = await failureOf(weather()["run"]?.("a"));
    expect(error).toMatchObject({ kind, code, status, detail: "Detail", members: { errors: [1] } });
    expect(server.requests).toHaveLength(1);
  });
});

describe("send()", () => {
  it("answers with the id at once, and the handle gives the result", async () => {
    server.looks = 1;
    const invocation = await weather()["run"]?.send("Berlin?", { delayMs: 1_500 });
    expect(invocation?.id).toBe("inv_0test");
    expect(server.requests[0]?.url).toBe("/agents/WeatherAgent/run?delay=1500ms");
    expect(server.requests[0]?.headers["prefer"]).toBe("respond-async");
    expect(await invocation?.status()).toBe("running");
    expect(await invocation?.status()).toBe("completed");
    expect(await invocation?.result()).toBe("Berlin?");
  });

  it("finds an invocation again by its id, and cancels it", async () => {
    server.looks = 100;
    const { id } = (await weather()["run"]?.send("a")) ?? { id: "" };
    const again = connect().invocation<string>(id);
    expect(await again.cancel()).toBe(true);
    expect(await again.status()).toBe("failed");
    const error = await failureOf(again.result());
    expect(error).toMatchObject({ kind: "agent-failed", invocationId: id, agentError: { code: 409 } });
  });

  it("tells that an invocation had ended before it was cancelled", async () => {
    const invocation = await weather()["run"]?.send("a");
    expect(await invocation?.cancel()).toBe(false);
    expect(await invocation?.result()).toBe("a");
  });

  it("tells an invocation that is not there", async () => {
    const error = await failureOf(connect().invocation("inv_nothing").result());
    expect(error).toMatchObject({ kind: "bad-request", code: "invocation-not-found", status: 404 });
  });

  it("refuses a 202 without an id", async () => {
    server.faults = [{ status: 202, headers: { "content-type": "application/json" }, body: "{}" }];
    const error = await failureOf(weather()["run"]?.send("a"));
    expect(error).toMatchObject({ kind: "server-error", code: "unexpected-answer", status: 202 });
  });
});

describe("handlers", () => {
  it("are not invoked by await, JSON, template strings or a look at their client", async () => {
    const client = weather();
    expect(await Promise.resolve(client)).toBe(client);
    expect(JSON.stringify(client)).toBe("{}");
    for (const name of ["then", "toJSON", "toString", "constructor"]) expect(client[name]).toBeUndefined();
    expect(Object.keys(client)).toEqual([]);
    expect(client["run"]).toBe(client["run"]);
    expect(server.requests).toHaveLength(0);
  });
});
