/** The agents API in workerd, before a real Restate: what callers get, and that nothing is lost or done twice. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type EffectServer, startEffectServer } from "../../src/testing/effect-server.ts";
import { type ScriptedOpenAI, startScriptedOpenAI } from "../../src/testing/scripted-openai.ts";
import { type ServedEndpoint, serveWorker } from "../../src/testing/serve.ts";
import { startTestRestate, type TestRestate } from "./stack.ts";

const API_KEY = "key-of-the-agents-api-tests";
const ID = /^inv_[0-9A-Za-z]{34}$/;
const UNKNOWN_ID = "inv_1fjtoLCTZCOa6PB3PEmER3O4YJUE4aQCiR";

let stack: TestRestate;
let worker: ServedEndpoint;
let effects: EffectServer;
let openai: ScriptedOpenAI;

beforeAll(async () => {
  [stack, effects, openai] = await Promise.all([
    startTestRestate(),
    startEffectServer(),
    startScriptedOpenAI((_request, n) =>
      n === 0 ? { toolCalls: [{ id: "call_1", name: "look", input: { id: "map" } }] } : { text: "Go left" },
    ),
  ]);
  worker = await serveWorker({
    entry: new URL("../fixtures/gateway/worker.ts", import.meta.url).pathname,
    trustedCertificates: stack.trustedCertificates,
    vars: { ...stack.vars, EFFECT_URL: effects.url, OPENAI_BASE_URL: openai.baseURL, AGENT_API_KEYS: API_KEY },
  });
  await stack.restate.register(`${worker.url}/restate`, { http11: true });
});
afterAll(() => Promise.all([stack.restate.stop(), worker.stop(), effects.close(), openai.close()]));
beforeEach(() => {
  effects.reset();
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
  /** Of the header. */
  readonly id: string | null;
}

async function ask(method: string, path: string, init: { body?: unknown; headers?: object } = {}): Promise<Answer> {
  const { body, headers } = init;
  const response = await fetch(worker.url + path, {
    method,
    headers: {
      authorization: `Bearer ${API_KEY}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get("content-type") ?? "");
  return {
    status: response.status,
    headers: response.headers,
    body: isJson ? JSON.parse(text) : text,
    id: response.headers.get("x-restate-id"),
  };
}

const post = (path: string, body?: unknown, headers: object = {}): Promise<Answer> =>
  ask("POST", path, body === undefined ? { headers } : { body, headers });
const get = (path: string): Promise<Answer> => ask("GET", path);

/** Lets an invocation go on that waits at the gate of this name. */
async function openGate(name: string, value: string): Promise<void> {
  await effects.waitFor((all) => all.some(({ key }) => key.startsWith(`${name}=`)));
  const key = effects.effects.find((effect) => effect.key.startsWith(`${name}=`))?.key ?? "";
  await stack.restate.resolveAwakeable(key.slice(name.length + 1), value);
}

test("an agent is invoked and answers, with the invocation's id", async () => {
  const { status, body, id, headers } = await post("/agents/Guide/run", "Where to?");
  expect([status, body]).toEqual([200, "Go left"]);
  expect(id).toMatch(ID);
  expect(effects.count("look", "map")).toBe(1);
  expect([...headers.keys()].filter((name) => /^access-control|^vary$/.test(name))).toEqual([]);
  expect(headers.get("cache-control")).toBe("no-store");
});

test("input and output pass byte for byte; both may be absent", async () => {
  const input = { text: "ü 漢 \u0000 🙂", number: 1e21, list: [null, true] };
  expect((await post("/agents/Tasks/echo", input)).body).toEqual(input);
  expect((await post("/agents/Tasks/echo")).body).toBe("nothing");
  const nothing = await post("/agents/Tasks/nothing");
  expect([nothing.status, nothing.body, nothing.headers.get("content-type")]).toEqual([200, "", null]);
});

test("nothing but trace context goes from the caller's headers to the handler", async () => {
  const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  const { body, id } = await post("/agents/Tasks/headers", undefined, {
    traceparent: `00-${trace}-00f067aa0ba902b7-01`,
    tracestate: "vendor=1",
    cookie: "session=secret",
    "x-custom": "secret",
    "x-forwarded-for": "203.0.113.7",
  });
  expect(body).toMatchObject({ traceparent: expect.stringContaining(trace) as string, tracestate: "vendor=1" });
  expect(JSON.stringify(body)).not.toMatch(/secret|203\.0\.113\.7|key-of-the-agents/);
  const [row] = await stack.restate.query<{ trace_id: string }>(
    `SELECT trace_id FROM sys_invocation WHERE id = '${id}'`,
  );
  expect(row?.trace_id).toBe(trace);
});

test("output that a browser might run is answered as a download", async () => {
  const { status, headers, body } = await post("/agents/Tasks/html");
  expect([status, body]).toEqual([200, "<script>alert(1)</script>"]);
  expect(headers.get("content-type")).toBe("application/octet-stream");
  expect(headers.get("content-disposition")).toBe("attachment");
  expect(headers.get("x-content-type-options")).toBe("nosniff");
});

test("a handler's failure has its status, message and id, and the facts of this library's errors", async () => {
  const failure = await post("/agents/Tasks/fail", { message: "No seat left", status: 422 });
  expect(failure.id).toMatch(ID);
  expect([failure.status, failure.body]).toEqual([
    422,
    {
      type: "about:blank",
      title: "The invocation failed",
      status: 422,
      code: "invocation-failed",
      detail: "No seat left",
      invocationId: failure.id,
      error: { code: 422, message: "No seat left" },
    },
  ]);
  expect((await post("/agents/Tasks/fail", { message: "odd", status: 299 })).status).toBe(500);
  const known = await post("/agents/Tasks/failInLibrary");
  expect([known.status, known.body]).toMatchObject([
    400,
    { code: "invocation-failed", error: { code: 400, errorCode: "invalid-input", fields: {} } },
  ]);
});

test.each([
  ["a service that is not public", "/agents/Vault/open"],
  ["an unknown service", "/agents/Nobody/run"],
  ["an unknown handler", "/agents/Tasks/nobody"],
  ["a private handler", "/agents/Tasks/internal"],
  ["a private service", "/agents/Backstage/run"],
  ["a service with a key", "/agents/Tasks/key/echo"],
  ["an object without a key", "/agents/Notes/add"],
  ["a name that is on every object", "/agents/Tasks/constructor"],
])("%s is not found", async (_what, path) => {
  const { status, body, id } = await post(path);
  expect([status, (body as { code: string }).code, id]).toEqual([404, "not-found", null]);
});

test("keys of objects may be any text", async () => {
  for (const key of [
    "plain",
    "a/b",
    "../../admin",
    "ü 漢🙂",
    "100%",
    "%2F",
    "a?b#c",
    "...",
    "\u0000\n",
    "Tasks/echo",
  ]) {
    const { status, body } = await post(`/agents/Notes/${encodeURIComponent(key)}/key`);
    expect([status, body]).toEqual([200, key]);
  }
  for (const dots of [".", "..", "%2e%2e", "%252e%252e/..%2f.."]) {
    expect([404, 400]).toContain((await post(`/agents/Notes/${dots}/key/x`)).status);
  }
});

test("respond-async answers 202 at once; the result is at the location", async () => {
  const name = randomUUID();
  const accepted = await post("/agents/Tasks/gated", name, { prefer: "respond-async" });
  const id = accepted.id ?? "";
  const location = `/agents/invocations/${id}`;
  expect([accepted.status, accepted.body]).toEqual([202, { id, status: "accepted", location }]);
  expect(accepted.headers.get("location")).toBe(location);
  expect(accepted.headers.get("preference-applied")).toBe("respond-async");

  await stack.restate.waitForStatus(id, "suspended");
  const pending = await get(location);
  expect([pending.status, pending.id]).toEqual([202, id]);
  expect(pending.body).toMatchObject({ id, status: "suspended", location, createdAt: expect.any(String) as string });
  const waited = await get(`${location}?wait=1`);
  expect(waited.status).toBe(202);

  const waiting = get(`${location}?wait=30`);
  await openGate(name, "opened");
  const done = await waiting;
  expect([done.status, done.body, done.id]).toEqual([200, "opened", id]);
  expect((await get(location)).body).toBe("opened");
});

test("a call that takes too long becomes 202, and its result is not lost", async () => {
  const name = randomUUID();
  const late = await post("/impatient/Tasks/gated", name);
  const location = `/impatient/invocations/${late.id}`;
  expect([late.status, late.headers.get("location")]).toEqual([202, location]);
  await openGate(name, "at last");
  const result = await get(`/agents/invocations/${late.id}?wait=30`);
  expect([result.status, result.body]).toEqual([200, "at last"]);
  expect(effects.effects).toHaveLength(1);
});

test("prefer: wait bounds the wait, and the app bounds prefer: wait", async () => {
  const name = randomUUID();
  const waited = await post("/agents/Tasks/gated", name, { prefer: "wait=1" });
  expect([waited.status, waited.headers.get("preference-applied")]).toEqual([202, "wait=1"]);
  const bounded = await post("/impatient/Tasks/gated", randomUUID(), { prefer: "wait=9999" });
  expect([bounded.status, bounded.headers.get("preference-applied")]).toEqual([202, "wait=0"]);
  const fast = await post("/agents/Tasks/echo", 1, { prefer: "respond-async, wait=30" });
  expect([fast.status, fast.body, fast.headers.get("preference-applied")]).toEqual([200, 1, "respond-async, wait=30"]);
});

test("a delay implies 202, says when it will run, and runs then", async () => {
  for (const delay of ["1s", "PT1S", "1000ms"]) {
    const before = Date.now();
    const { status, body, id } = await post(`/agents/Tasks/echo?delay=${delay}`, delay);
    expect(status).toBe(202);
    const startsAt = Date.parse((body as { startsAt: string }).startsAt);
    // Clocks of two processes may tick a few milliseconds apart.
    expect(startsAt).toBeGreaterThanOrEqual(before + 990);
    expect(startsAt).toBeLessThan(Date.now() + 1_500);
    const waiting = await get(`/agents/invocations/${id}`);
    expect([waiting.status, (waiting.body as { status: string }).status]).toEqual([202, "scheduled"]);
    expect((await get(`/agents/invocations/${id}?wait=10`)).body).toBe(delay);
  }
  for (const delay of ["soon", "10", "-1s", "P1Y", "P367D", "1s;drop", ""]) {
    expect((await post(`/agents/Tasks/echo?delay=${encodeURIComponent(delay)}`, 1)).status).toBe(400);
  }
});

test("the same idempotency key is one run with one id and result, also twice at once", async () => {
  const key = randomUUID();
  const send = (): Promise<Answer> => post("/agents/Tasks/counted", key, { "idempotency-key": key });
  const [first, second] = await Promise.all([send(), send()]);
  const third = await send();
  const async = await post("/agents/Tasks/counted", key, { "idempotency-key": key, prefer: "respond-async" });
  expect([first, second, third].map(({ status, body }) => [status, body])).toEqual(Array(3).fill([200, key]));
  expect(async.status).toBe(202);
  expect(new Set([first.id, second.id, third.id, async.id]).size).toBe(1);
  expect(effects.count("count", key)).toBe(1);
  for (const bad of ["has space", "ü", "x".repeat(256)]) {
    const headers = { "idempotency-key": Buffer.from(bad).toString("latin1") };
    expect((await post("/agents/Tasks/echo", 1, headers)).status).toBe(400);
  }
});

test("a workflow runs once for its key: a second call is a conflict, sending again finds it", async () => {
  const key = `trip/${randomUUID()}`;
  const path = `/agents/Trip/${encodeURIComponent(key)}`;
  const name = randomUUID();
  const first = await post(`${path}/run`, name, { prefer: "respond-async" });
  const again = await post(`${path}/run`, name);
  expect([again.status, (again.body as { code: string }).code, again.id]).toEqual([
    409,
    "workflow-already-started",
    first.id,
  ]);
  expect(again.headers.get("location")).toBe(`/agents/invocations/${first.id}`);
  expect((await post(`${path}/run`, name, { prefer: "respond-async" })).id).toBe(first.id);
  expect((await post(`${path}/run`, name, { "idempotency-key": "k" })).status).toBe(400);
  expect((await post(`${path}/city`, undefined, { "idempotency-key": "k" })).body).toBe("Berlin");
  await openGate(name, "done");
  expect((await get(`/agents/invocations/${first.id}?wait=30`)).body).toBe(`${key}: done`);
  expect(effects.effects).toHaveLength(1);
});

test("a workflow's call that takes too long becomes 202 with the id of its run", async () => {
  const name = randomUUID();
  const late = await post(`/impatient/Trip/${name}/run`, name);
  expect(late.status).toBe(202);
  await openGate(name, "late");
  expect((await get(`/agents/invocations/${late.id}?wait=30`)).body).toBe(`${name}: late`);
});

test("DELETE cancels; the result is the failure; a second DELETE is a conflict", async () => {
  const { id } = await post("/agents/Tasks/gated", randomUUID(), { prefer: "respond-async" });
  const path = `/agents/invocations/${id}`;
  const cancelled = await ask("DELETE", path);
  expect([cancelled.status, cancelled.body, cancelled.id]).toMatchObject([202, { id, status: "cancelling" }, id]);
  const result = await get(`${path}?wait=30`);
  expect([result.status, result.body, result.id]).toMatchObject([
    409,
    { code: "invocation-failed", invocationId: id, error: { code: 409, message: "Cancelled" } },
    id,
  ]);
  const again = await ask("DELETE", path);
  expect([again.status, again.body, again.id]).toMatchObject([409, { code: "invocation-completed" }, id]);
});

test("invocations of what is not public can be neither read nor cancelled", async () => {
  const ids = [
    await stack.restate.send("Vault/open"),
    await stack.restate.send("Vault/gated", randomUUID()),
    UNKNOWN_ID,
    "inv_1zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
    "inv_short",
  ];
  const running = ids[1] ?? "";
  for (const id of ids) {
    for (const method of ["GET", "DELETE"]) {
      const { status, body } = await ask(method, `/agents/invocations/${id}`);
      expect([method, status, (body as { code: string }).code]).toEqual([method, 404, "invocation-not-found"]);
    }
  }
  await stack.restate.waitForStatus(running, "suspended");
  await stack.restate.cancel(running);
  for (const id of ["x", "inv_'or'1", "inv_%2e%2e", "inv_/../.."]) {
    expect([400, 404]).toContain((await get(`/agents/invocations/${id}`)).status);
  }
});

test("callers whom auth names share neither keys nor invocations", async () => {
  const alice = { "x-caller": "alice" };
  const bob = { "x-caller": "bob" };
  const key = "k:".repeat(127);
  const send = (who: object, input: string): Promise<Answer> =>
    post("/named/Tasks/counted", input, { ...who, "idempotency-key": key });
  const answers = [await send(alice, "a"), await send(bob, "b"), await send(alice, "again")];
  expect(answers.map(({ status, body }) => [status, body])).toEqual([
    [200, "a"],
    [200, "b"],
    [200, "a"],
  ]);
  const path = `/named/invocations/${answers[0]?.id}`;
  expect((await ask("GET", path, { headers: alice })).body).toBe("a");
  for (const method of ["GET", "DELETE"]) {
    expect(await ask(method, path, { headers: bob })).toMatchObject({
      status: 404,
      body: { code: "invocation-not-found" },
      id: null,
    });
  }
  const scheduled = await post("/named/Tasks/echo?delay=1h", 1, alice);
  expect((await ask("DELETE", `/named/invocations/${scheduled.id}`, { headers: bob })).status).toBe(404);
  expect((await ask("DELETE", `/named/invocations/${scheduled.id}`, { headers: alice })).status).toBe(202);
});

test("without a key nobody gets in; malformed JSON does not reach Restate", async () => {
  for (const authorization of ["", "Bearer wrong-key-wrong-key", "Basic abc"]) {
    expect((await post("/agents/Tasks/echo", 1, { authorization })).status).toBe(401);
    expect((await ask("GET", `/agents/invocations/${UNKNOWN_ID}`, { headers: { authorization } })).status).toBe(401);
  }
  const send = (body: BodyInit, type = "application/json"): Promise<Response> =>
    fetch(`${worker.url}/agents/Tasks/echo`, {
      method: "POST",
      body,
      headers: { authorization: `Bearer ${API_KEY}`, "content-type": type },
    });
  for (const body of ["{", "\ufeff1", Uint8Array.of(0x22, 0xff, 0x22)]) {
    const response = await send(body);
    expect([response.status, await response.json()]).toMatchObject([400, { code: "malformed-json" }]);
  }
  expect((await send("1", "text/plain")).status).toBe(415);
  expect((await send(`"${"x".repeat(1024 * 1024)}"`)).status).toBe(413);
});

test("a caller above the rate limit is told to wait", async () => {
  const answers = [];
  for (let n = 0; n < 4; n++) answers.push(await post("/limited/Tasks/echo", n));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
  expect(answers[3]?.headers.get("retry-after")).toBe("10");
  expect(answers[3]?.body).toMatchObject({ code: "rate-limited" });
});
