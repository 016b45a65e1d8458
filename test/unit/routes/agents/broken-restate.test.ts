/** What callers are told when Restate does not answer as it should; and that the invocation is not lost. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { agentsRoutes } from "../../../../routes/agents.ts";
import { problemOf } from "../../../../routes/problem.ts";
import { createRouter } from "../../../../routes/router.ts";
import { workflow } from "../../../../src/index.ts";
import { echoService } from "../../endpoint/echo-service.ts";
import { accepted, FakeRestate, ID, refused, type Reply, returned } from "./fake-restate.ts";

const API_KEY = "key-of-the-unit-tests";
const trip = workflow({ name: "Trip", handlers: { run: async () => Promise.resolve(), city: async () => "Berlin" } });
const publicServices = [echoService, trip];

const app = createRouter()
  .route("/agents", agentsRoutes({ publicServices }))
  .route("/impatient", agentsRoutes({ publicServices, waitMs: 50 }))
  .onError((error) => problemOf(error));

let restate: FakeRestate;
beforeAll(async () => {
  restate = await FakeRestate.start();
});
afterAll(() => restate.close());
beforeEach(() => {
  restate.reset();
  vi.stubEnv("AGENT_API_KEYS", API_KEY);
  vi.stubEnv("RESTATE_INGRESS_URL", restate.url);
  vi.stubEnv("RESTATE_ADMIN_URL", undefined);
  vi.stubEnv("RESTATE_AUTH_TOKEN", "token-of-restate");
});
afterEach(() => {
  vi.unstubAllEnvs();
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

async function post(path = "/agents/Echo/plain", headers: Record<string, string> = {}, body?: string): Promise<Answer> {
  const response = await app.request(path, {
    method: "POST",
    headers: { authorization: `Bearer ${API_KEY}`, "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  const { status, headers: answered } = response;
  return { status, headers: answered, body: text === "" ? {} : (JSON.parse(text) as Record<string, unknown>) };
}

/** Replies by turn, the last one for ever. */
function turns(...replies: readonly Reply[]): void {
  restate.reply = (_request, n) => replies[Math.min(n, replies.length - 1)] ?? "cut";
}

const paths = (): string[] => restate.requests.map(({ url }) => url);
const keys = (): unknown[] => restate.requests.map(({ headers }) => headers["idempotency-key"]);

test("only what is needed goes to Restate: its token, the type of the body, a key", async () => {
  restate.reply = () => returned("1");
  const sent = {
    cookie: "a=b",
    "x-forwarded-for": "203.0.113.7",
    origin: "https://page.example",
    "x-restate-limit-key": "k",
  };
  await post("/agents/Echo/plain?limit-key=x", sent, '{ "a": 1 }');
  const [{ headers, body, url } = { headers: {}, body: "", url: "" }] = restate.requests;
  const ofFetch = ["accept", "accept-encoding", "accept-language", "connection", "content-length", "host"];
  const names = Object.keys(headers).filter((name) => !ofFetch.includes(name) && !/^sec-|user-agent/.test(name));
  expect(names.toSorted()).toEqual(["authorization", "content-type", "idempotency-key"]);
  expect(headers.authorization).toBe("Bearer token-of-restate");
  expect([url, body]).toEqual(["/restate/call/Echo/plain", '{ "a": 1 }']);
});

test("Restate's own headers do not reach the caller", async () => {
  restate.reply = () =>
    returned("1", {
      "access-control-allow-origin": "*",
      "access-control-allow-credentials": "true",
      "set-cookie": "a=b",
      "idempotency-expires": "2026-11-25T20:51:41.539+00:00",
      server: "restate",
    });
  const { headers, status } = await post();
  expect(status).toBe(200);
  expect([...headers.keys()].toSorted()).toEqual([
    "cache-control",
    "content-type",
    "x-content-type-options",
    "x-restate-id",
  ]);
});

test.each<[string, Reply]>([
  ["is cut", "cut"],
  ["is cut in the middle of the answer", "cut-in-body"],
  ["ends in a proxy's 502", { status: 502, headers: { "content-type": "text/html" }, body: "<h1>Bad gateway</h1>" }],
])("a call that %s is found again by its key", async (_what, reply) => {
  turns(reply, accepted("PreviouslyAccepted"));
  const { status, headers, body } = await post("/agents/Echo/plain", {}, "1");
  expect([status, body]).toEqual([202, { id: ID, status: "accepted", location: `/agents/invocations/${ID}` }]);
  expect(headers.get("x-restate-id")).toBe(ID);
  expect(paths()).toEqual(["/restate/call/Echo/plain", "/restate/send/Echo/plain"]);
  const [first, second] = keys();
  expect(first).toMatch(/^[0-9a-f-]{36}$/);
  expect(second).toBe(first);
  expect(restate.requests[1]?.body).toBe("1");
});

test("a call that gets no answer in time becomes 202", async () => {
  turns("hang", accepted("PreviouslyAccepted"));
  const { status, body } = await post("/impatient/Echo/plain");
  expect([status, body]).toEqual([202, { id: ID, status: "accepted", location: `/impatient/invocations/${ID}` }]);
});

test("the caller's own key is the one that finds the call again", async () => {
  turns("cut", "cut", accepted());
  expect((await post("/agents/Echo/plain", { "idempotency-key": "order-7" })).status).toBe(202);
  expect(keys()).toEqual(["order-7", "order-7", "order-7"]);
});

test("when Restate stays away the problem says which key to repeat the request with", async () => {
  turns("cut");
  const { status, headers, body } = await post();
  expect(status).toBe(503);
  expect(headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
  expect(body).toMatchObject({ code: "restate-unreachable", door: "ingress", idempotencyKey: keys()[0] });
  expect(body["detail"]).toContain("repeat the request with the same idempotency-key");
  expect(restate.requests.length).toBeGreaterThan(2);
  expect(new Set(keys()).size).toBe(1);
});

test("a workflow has no idempotency key: sending it again finds it", async () => {
  turns("cut", accepted("PreviouslyAccepted"));
  expect((await post("/agents/Trip/t1/run")).status).toBe(202);
  expect(keys()).toEqual([undefined, undefined]);
  restate.reset();
  turns("cut");
  const { status, body } = await post("/agents/Trip/t1/run");
  expect([status, body["idempotencyKey"]]).toEqual([503, undefined]);
  expect(body["detail"]).toContain("prefer: respond-async");
});

test("a send that is cut is not sent again, and says how to", async () => {
  turns("cut");
  const { status, body } = await post("/agents/Echo/plain", { prefer: "respond-async" });
  expect([status, body["idempotencyKey"]]).toEqual([503, keys()[0]]);
  expect(paths()).toEqual(["/restate/send/Echo/plain"]);
});

test("an overloaded Restate is not asked again", async () => {
  restate.reply = () => ({ ...(refused(429, "too many") as object), status: 429, headers: { "retry-after": "7" } });
  for (const prefer of ["wait=10", "respond-async"]) {
    const { status, headers, body } = await post("/agents/Echo/plain", { prefer });
    expect([status, body["code"], headers.get("retry-after")]).toEqual([503, "restate-unreachable", "7"]);
  }
  expect(restate.requests).toHaveLength(2);
});

test.each<[string, Reply, number, string]>([
  ["a handler that is not registered", refused(404, "service 'Echo' not found"), 404, "restate-refused"],
  ["an input of a wrong type", refused(400, "input validation error"), 400, "restate-refused"],
  ["a body that is too large for Restate", refused(413, "too large"), 413, "restate-refused"],
  ["a token that is not accepted", { status: 401 }, 502, "restate-unauthorized"],
  ["a token without the role", { status: 403, body: "{}" }, 502, "restate-unauthorized"],
])("%s is told apart", async (_what, reply, status, code) => {
  restate.reply = () => reply;
  for (const prefer of ["wait=10", "respond-async"]) {
    const answer = await post("/agents/Echo/plain", { prefer });
    expect([answer.status, answer.body["code"]]).toEqual([status, code]);
    expect(JSON.stringify(answer.body)).not.toMatch(/Stack|anyhow|html|token-of-restate/);
  }
  expect(restate.requests).toHaveLength(2);
});

const PAGE = { headers: { "content-type": "text/html" }, body: "<html>" };
const FOREIGN: [string, Reply, number, string][] = [
  ["a failure inside Restate", refused(500, "oh no\nStack backtrace:\n 0: anyhow"), 503, "restate-unreachable"],
  ...[408, 500, 501, 520, 524, 530].map((status): [string, Reply, number, string] => [
    `a proxy's ${status}`,
    { status, ...PAGE },
    503,
    "restate-unreachable",
  ]),
  ["a page instead of an answer", { status: 200, ...PAGE }, 502, "restate-unexpected"],
  ["a page that says not found", { status: 404, ...PAGE }, 502, "restate-unexpected"],
  ["a redirect", { status: 302, headers: { location: "https://elsewhere.example" } }, 502, "restate-unexpected"],
];

test.each(FOREIGN)("%s: the call may have begun, and is found again", async (_what, reply) => {
  turns(reply, reply, accepted("PreviouslyAccepted"));
  const { status, body } = await post();
  expect([status, body]).toMatchObject([202, { id: ID, status: "accepted" }]);
  expect(paths()).toEqual(["/restate/call/Echo/plain", "/restate/send/Echo/plain", "/restate/send/Echo/plain"]);
  expect(new Set(keys()).size).toBe(1);
});

test.each(FOREIGN)(
  "%s for ever: the answer says which key to repeat the request with",
  async (_w, reply, status, code) => {
    restate.reply = () => reply;
    for (const prefer of ["wait=10", "respond-async"]) {
      restate.requests.length = 0;
      const { body, headers, ...answer } = await post("/agents/Echo/plain", { prefer });
      expect([answer.status, body]).toMatchObject([status, { code, door: "ingress", idempotencyKey: keys()[0] }]);
      expect(body["detail"]).toContain("repeat the request with the same idempotency-key");
      expect(headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
      expect(JSON.stringify(body)).not.toMatch(/Stack|anyhow|html|token-of-restate/);
    }
  },
);

test.each<[string, Reply]>([
  ["refuses", refused(404, "service 'Echo' not found")],
  ["does not accept the token", { status: 401 }],
])("a call that broke off keeps its key when Restate then %s", async (_what, reply) => {
  turns("cut", reply);
  const { status, body, headers } = await post();
  expect([status, body]).toMatchObject([503, { code: "restate-unreachable", idempotencyKey: keys()[0] }]);
  expect(headers.get("retry-after")).toBe("2");
  expect(restate.requests).toHaveLength(2);
});

test.each([
  ["1e300", "3600"],
  ["Infinity", "3600"],
  ["86400", "3600"],
  ["0.2", "1"],
  ["7.5", "8"],
  ["0", "2"],
  ["-5", "2"],
  ["soon", "2"],
])("retry-after %j of Restate or a proxy is told as %s seconds", async (sent, told) => {
  for (const status of [503, 429]) {
    restate.reply = () => ({ status, headers: { "retry-after": sent } });
    const { headers } = await post("/agents/Echo/plain", { prefer: "respond-async" });
    expect(headers.get("retry-after")).toBe(told);
  }
});

test.each([401, 403, 408, 429, 500, 502, 503, 504, 530])(
  "a handler's own %i is its failure, not Restate's",
  async (status) => {
    restate.reply = () => refused(status, "The handler says so", "invocation");
    const { body, headers, ...answer } = await post();
    expect([answer.status, body]).toMatchObject([
      status,
      { code: "invocation-failed", detail: "The handler says so", invocationId: ID, error: { code: status } },
    ]);
    expect(headers.get("x-restate-id")).toBe(ID);
    expect(restate.requests).toHaveLength(1);
  },
);

test("a handler's code that is no status of a failure becomes 500, and is told in the body", async () => {
  restate.reply = () => refused(299, "odd", "invocation");
  const { status, body } = await post();
  expect([status, body["status"], body["error"]]).toEqual([500, 500, { code: 299, message: "odd" }]);
});

test("metadata that is not this library's is not passed on", async () => {
  const failure = { code: 500, message: "no", source: "invocation" };
  for (const metadata of [
    { "restate-edge-agents": "{broken", secret: "s" },
    { "restate-edge-agents": '{"errorCode":7,"fields":{}}' },
    { "restate-edge-agents": "null", other: "s" },
  ]) {
    restate.reply = () => ({
      ...(refused(500, "no", "invocation") as Exclude<Reply, string>),
      body: JSON.stringify({ ...failure, metadata }),
    });
    expect((await post()).body["error"]).toEqual({ code: 500, message: "no" });
  }
});

test.each([
  ["application/json", "application/json", false],
  ["application/vnd.api+json; charset=utf-8", "application/vnd.api+json; charset=utf-8", false],
  ["text/plain;charset=utf-8", "text/plain;charset=utf-8", false],
  ["image/png", "image/png", false],
  ["text/html", "application/octet-stream", true],
  ["image/svg+xml", "application/octet-stream", true],
  ["application/xhtml+xml", "application/octet-stream", true],
  ["application/javascript", "application/octet-stream", true],
  ["application/jsonp", "application/octet-stream", true],
  ["text/plain-html", "application/octet-stream", true],
  ["", "application/octet-stream", true],
])("output of type %j is answered as %s", async (type, answered, isDownload) => {
  restate.reply = () => returned('"x"', { "content-type": type });
  const { headers } = await post();
  expect(headers.get("content-type")).toBe(answered);
  expect(headers.get("content-disposition")).toBe(isDownload ? "attachment" : null);
  expect(headers.get("x-content-type-options")).toBe("nosniff");
});

test("without the address of Restate nothing is asked", async () => {
  vi.stubEnv("RESTATE_INGRESS_URL", "");
  expect((await post()).body).toMatchObject({ status: 503, code: "restate-not-configured" });
  vi.stubEnv("RESTATE_INGRESS_URL", restate.url);
  for (const method of ["GET", "DELETE"]) {
    const response = await app.request(`/agents/invocations/${ID}`, {
      method,
      headers: { authorization: `Bearer ${API_KEY}` },
    });
    expect([response.status, await response.json()]).toMatchObject([503, { code: "restate-not-configured" }]);
  }
  expect(restate.requests).toEqual([]);
});
