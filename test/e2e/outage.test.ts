/** Restate goes away and comes back; the app is never touched. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type EffectServer, startEffectServer } from "../../src/testing/effect-server.ts";
import { type ServedEndpoint, serveWorker } from "../../src/testing/serve.ts";
import { waitUntil } from "../../src/testing/wait.ts";
import { startTestRestate, type TestRestate } from "./stack.ts";

const API_KEY = "key-of-somebody-waiting";
const ADMIN_TOKEN = "token-of-the-operator";

let stack: TestRestate;
let worker: ServedEndpoint;
let effects: EffectServer;
/** How long the effect of a run takes, in milliseconds. */
let effectMs = 0;

beforeAll(async () => {
  [stack, effects] = await Promise.all([startTestRestate(), startEffectServer({ delayMs: () => effectMs })]);
  const { vars, trustedCertificates } = stack;
  const entry = new URL("../fixtures/counted/worker.ts", import.meta.url).pathname;
  worker = await serveWorker({
    entry,
    trustedCertificates,
    vars: { ...vars, EFFECT_URL: effects.url, AGENT_API_KEYS: API_KEY, ADMIN_TOKEN },
  });
  await stack.restate.register(`${worker.url}/restate`, { http11: true });
}, 60_000);
afterAll(() => Promise.all([stack.restate.stop(), worker.stop(), effects.close()]));

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

async function ask(method: string, path: string, token?: string, body?: unknown, headers = {}): Promise<Answer> {
  const response = await fetch(worker.url + path, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(20_000),
  });
  const parsed: unknown = await response.json();
  return { status: response.status, headers: response.headers, body: parsed as Answer["body"] };
}

const run = (key: string): Promise<Answer> =>
  ask("POST", "/agents/Counted/run", API_KEY, key, { "idempotency-key": key });

const failedChecks = ({ body }: Answer): string[] =>
  (body["checks"] as { readonly name: string; readonly status: string }[])
    .filter(({ status }) => status === "fail")
    .map(({ name }) => name);

const isReady = async (): Promise<boolean> => (await ask("GET", "/ready")).status === 200;
/** Results of `/ready` are kept for a few seconds. */
const becomesReady = (): Promise<void> =>
  waitUntil("The app does not become ready", isReady, { timeoutMs: 30_000, everyMs: 200 });

test("while Restate is away every route says so, and all recovers when it is back", async () => {
  expect(await run("before")).toMatchObject({ status: 200, body: "counted before" });
  await becomesReady();

  await stack.restate.kill();
  expect(await ask("GET", "/health")).toMatchObject({ status: 200, body: { status: "ok" } });
  await waitUntil("The app stays ready", async () => !(await isReady()), { timeoutMs: 30_000, everyMs: 200 });
  const ready = await ask("GET", "/ready");
  expect(ready.status).toBe(503);
  expect(failedChecks(ready)).toEqual(expect.arrayContaining(["ingress", "admin"]));

  for (const answer of [
    await run("during"),
    await ask("POST", "/agents/Counted/run", API_KEY, "x", { prefer: "respond-async" }),
    await ask("GET", "/admin/deployments", ADMIN_TOKEN),
    await ask("GET", "/admin/invocations", ADMIN_TOKEN),
  ]) {
    expect(answer).toMatchObject({ status: 503, body: { code: "restate-unreachable" } });
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
  }

  await stack.restate.start();
  await becomesReady();
  await waitUntil("Invocations do not recover", async () => (await run("after")).status === 200, {
    timeoutMs: 30_000,
    everyMs: 200,
  });
  expect(await run("during")).toMatchObject({ status: 200, body: "counted during" });
  expect((await ask("GET", "/admin/deployments", ADMIN_TOKEN)).status).toBe(200);
  expect(Object.fromEntries(effects.counts())).toEqual({ "count before": 1, "count during": 1, "count after": 1 });
});

test("a caller who waits when Restate dies loses nothing", async () => {
  effectMs = 300;
  const waiting = run("waiting");
  await effects.waitFor((made) => made.some(({ key }) => key === "waiting"));
  await stack.restate.kill();
  const interrupted = await waiting;
  expect([202, 503]).toContain(interrupted.status);
  if (interrupted.status === 503) expect(interrupted.headers.get("retry-after")).not.toBeNull();
  effectMs = 0;
  await stack.restate.start();
  let answer: Answer | undefined;
  await waitUntil("The run does not end", async () => (answer = await run("waiting")).status === 200, {
    timeoutMs: 60_000,
    everyMs: 200,
  });
  expect(answer?.body).toBe("counted waiting");
  // The step was in flight when Restate died: once, or once more, as G1 says; but one run.
  const [row] = await stack.restate.query<{ n: number }>(
    "SELECT COUNT(1) AS n FROM sys_invocation WHERE idempotency_key = 'waiting'",
  );
  expect(row?.n).toBe(1);
  expect(effects.count("count", "waiting")).toBeLessThanOrEqual(2);
});
