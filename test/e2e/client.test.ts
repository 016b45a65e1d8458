/** The typed client against the agents API in workerd, before a real Restate: from Node, from Deno and from a Worker. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { AgentClientError, createClient } from "../../src/client/index.ts";
import { type EffectServer, startEffectServer } from "../../src/testing/effect-server.ts";
import { denoBinary } from "../../src/testing/packages.ts";
import { type ScriptedOpenAI, startScriptedOpenAI } from "../../src/testing/scripted-openai.ts";
import { type ServedEndpoint, serveWorker } from "../../src/testing/serve.ts";
import { fetchAsPage } from "../fixtures/client/page.ts";
import { exercise, type Report } from "../fixtures/client/program.ts";
import type { tasks } from "../fixtures/gateway/services.ts";
import { startTestRestate, type TestRestate } from "./stack.ts";

const API_KEY = "key-of-the-client-tests";
const fixture = (name: string): string => new URL(`../fixtures/${name}`, import.meta.url).pathname;

let stack: TestRestate;
let app: ServedEndpoint;
let caller: ServedEndpoint;
let effects: EffectServer;
let openai: ScriptedOpenAI;

beforeAll(async () => {
  [stack, effects, openai, caller] = await Promise.all([
    startTestRestate(),
    startEffectServer(),
    startScriptedOpenAI(() => ({ text: "Go left" })),
    serveWorker({ entry: fixture("client/worker.ts"), healthPath: "/" }),
  ]);
  app = await serveWorker({
    entry: fixture("client/app/worker.ts"),
    trustedCertificates: stack.trustedCertificates,
    vars: { ...stack.vars, EFFECT_URL: effects.url, OPENAI_BASE_URL: openai.baseURL, AGENT_API_KEYS: API_KEY },
  });
  await stack.restate.register(`${app.url}/restate`, { http11: true });
});
afterAll(() => Promise.all([stack.restate.stop(), app.stop(), caller.stop(), effects.close(), openai.close()]));
beforeEach(() => effects.reset());

/** Lets an invocation go on that waits at the gate of this name. */
async function openGate(name: string, value: string): Promise<void> {
  await effects.waitFor((all) => all.some(({ key }) => key.startsWith(`${name}=`)));
  const key = effects.effects.find((effect) => effect.key.startsWith(`${name}=`))?.key ?? "";
  await stack.restate.resolveAwakeable(key.slice(name.length + 1), value);
}

const FROM: Record<string, (run: string) => Promise<Report>> = {
  Node: (run) => exercise(app.url, API_KEY, run),
  "a page of an allowed origin": (run) => exercise(app.url, API_KEY, run, fetchAsPage("https://page.example.com")),
  Deno: async (run) => {
    const flags = ["run", "--quiet", "--no-prompt", "--allow-net=127.0.0.1", fixture("client/deno.ts")];
    const { stdout } = await promisify(execFile)(denoBinary(), [...flags, app.url, API_KEY, run]);
    return JSON.parse(stdout) as Report;
  },
  "a Worker": async (run) => {
    const response = await fetch(caller.url, { method: "POST", body: JSON.stringify([app.url, API_KEY, run]) });
    const text = await response.text();
    if (!response.ok) throw new Error(`The Worker answered ${response.status}: ${text}\n${caller.log}`);
    return JSON.parse(text) as Report;
  },
};

describe.each(Object.keys(FROM))("from %s", (name) => {
  test("services, objects and workflows are run, sent to, waited for and cancelled", async () => {
    const run = name.replaceAll(" ", "-");
    const [report] = await Promise.all([FROM[name]?.(run), openGate(`${run} workflow`, "left")]);
    expect(report).toMatchObject({
      answer: "Go left",
      added: { key: `${run}/ü ?`, all: ["milk"] },
      nothing: true,
      counted: [run, run],
      echo: { a: [1, "ü"] },
      ended: { status: "completed", cancelled: false },
      // Restate forgets what was cancelled before it began.
      scheduled: { was: "scheduled", asked: true, kind: "bad-request", code: "invocation-not-found" },
      cancelled: { asked: true, kind: "agent-failed", status: 409, agentError: { code: 409 }, knowsInvocation: true },
      trip: { result: `${run}: left`, isOne: true, city: "Berlin" },
      twice: { kind: "bad-request", code: "workflow-already-started", status: 409, knowsInvocation: true },
      failed: {
        kind: "agent-failed",
        code: "invocation-failed",
        status: 422,
        agentError: { code: 422, message: "No seat left" },
        knowsInvocation: true,
      },
      failedInLibrary: { kind: "agent-failed", status: 400, agentError: { errorCode: "invalid-input" } },
      stranger: { kind: "unauthorized", code: "unauthorized", status: 401 },
      hidden: { kind: "bad-request", code: "not-found", status: 404 },
      unknown: { kind: "bad-request", code: "invocation-not-found", status: 404 },
    });
    expect(effects.count("count", run)).toBe(1);
  });
});

test("a page of an origin that is not allowed can do nothing", async () => {
  const client = createClient({
    url: app.url,
    apiKey: API_KEY,
    fetch: fetchAsPage("https://other.example.com"),
    maxRetries: 0,
  });
  const error: unknown = await client
    .service<typeof tasks>("Tasks")
    .echo(1)
    .catch((reason: unknown) => reason);
  expect(error).toMatchObject({ kind: "unavailable", code: "connection-failed" });
});

test("a run outlives every wait: the client asks again until the result is there", async () => {
  const statuses: number[] = [];
  const client = createClient({
    url: app.url,
    apiKey: API_KEY,
    pollMs: 1_000,
    fetch: async (url, init) => {
      const response = await fetch(url, init);
      if (statuses.push(response.status) === 2) void openGate("long", "done");
      return response;
    },
  });
  expect(await client.service<typeof tasks>("Tasks").gated("long")).toBe("done");
  expect(statuses.slice(0, 2)).toEqual([202, 202]);
  expect(statuses.at(-1)).toBe(200);
  expect(effects.effects.filter(({ key }) => key.startsWith("long="))).toHaveLength(1);
});

test("a call whose time is over tells the invocation, which can be waited for", async () => {
  const { gated } = createClient({ url: app.url, apiKey: API_KEY }).service<typeof tasks>("Tasks");
  const error: unknown = await gated("late", { timeoutMs: 1_600 }).catch((reason: unknown) => reason);
  if (!AgentClientError.isInstance(error)) throw error;
  expect(error).toMatchObject({ kind: "timeout", code: "timeout" });
  const [result] = await Promise.all([gated.invocation(error.invocationId ?? "").result(), openGate("late", "done")]);
  expect(result).toBe("done");
});

test("a run survives that the app dies while it is waited for, and happens once", async () => {
  const client = createClient({ url: app.url, apiKey: API_KEY, maxRetries: 50, retryDelayMs: 50 });
  const result = client.service<typeof tasks>("Tasks").gated("killed");
  await effects.waitFor((all) => all.some(({ key }) => key.startsWith("killed=")));
  await app.kill();
  await app.start();
  await openGate("killed", "done");
  expect(await result).toBe("done");
  // The step that was in flight may run again. The awakeable in its key tells that it is of the same invocation.
  expect(new Set(effects.effects.map(({ key }) => key)).size).toBe(1);
});
