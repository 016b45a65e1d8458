/** Steps that run ahead of their acknowledgements, on the real stack: restate-server, workerd, OpenAI's protocol. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type EffectServer, startEffectServer } from "../../src/testing/effect-server.ts";
import type { StartedRestate } from "../../src/testing/restate-server.ts";
import {
  repliesByTurn,
  type Script,
  type ScriptedOpenAI,
  type ScriptedReply,
  startScriptedOpenAI,
  turnOfConversation,
} from "../../src/testing/scripted-openai.ts";
import { type ServedEndpoint, serveWorker } from "../../src/testing/serve.ts";
import type { WindowInput } from "../fixtures/window/agents.ts";
import { startTestRestate } from "./stack.ts";

let restate: StartedRestate;
let worker: ServedEndpoint;
let openai: ScriptedOpenAI;
let effects: EffectServer;
let script: Script = () => ({ text: "unscripted" });

beforeAll(async () => {
  effects = await startEffectServer();
  openai = await startScriptedOpenAI((request, n) => script(request, n));
  const entry = new URL("../fixtures/window/worker.ts", import.meta.url).pathname;
  const { vars, trustedCertificates, ...rest } = await startTestRestate();
  restate = rest.restate;
  const settings = { ...vars, OPENAI_BASE_URL: openai.baseURL, EFFECT_URL: effects.url };
  worker = await serveWorker({ entry, vars: settings, trustedCertificates });
  await restate.register(`${worker.url}/restate`, { http11: true });
}, 60_000);
afterAll(() => Promise.all([restate.stop(), worker.stop(), openai.close(), effects.close()]));
beforeEach(() => {
  effects.reset();
  openai.reset();
});

const call = (name: string, id: string) => ({ id: `call_${id}`, name, input: { id } });
const turnsOf = (count: number, ...tools: readonly string[]): ScriptedReply[] => [
  ...Array.from({ length: count }, (_, n) => ({ toolCalls: tools.map((tool, at) => call(tool, `${tool}${n}x${at}`)) })),
  { text: "done" },
];

async function requestsSoFar(): Promise<number> {
  return (await (await fetch(`${worker.url}/requests`)).json()) as number;
}

/** Runs to the end; how many requests it took, and its steps by name. */
async function run(input: Omit<WindowInput, "prompt"> = {}, handler: "generate" | "stream" = "generate") {
  const before = await requestsSoFar();
  const id = await restate.send(`Window/${handler}`, { prompt: "go", ...input });
  const { status, body } = await restate.attach(id, 30_000);
  const rows = await restate.journal(id);
  const steps = rows.flatMap(({ entry_type, name }) => (entry_type.startsWith("Command: Run") ? [name ?? ""] : []));
  return { status, body, steps, requests: (await requestsSoFar()) - before };
}

describe("requests", () => {
  test("read-only tools share one request with the model calls, up to the window's bounds", async () => {
    script = repliesByTurn(turnsOf(20, "look"));
    expect(await run()).toMatchObject({ body: "done", requests: 2 });
    expect(await run({ window: { steps: 32 } })).toMatchObject({ body: "done", requests: 3 });
    expect(await run({ window: { steps: 10 } })).toMatchObject({ body: "done", requests: 6 });
    expect(await run({ window: { bytes: 1 } })).toMatchObject({ body: "done", requests: 42 });
    expect(await run({ window: false })).toMatchObject({ body: "done", requests: 42 });
  });

  test("a tool with side effects waits for the response that asked for it; the next model call shares its request", async () => {
    script = repliesByTurn(turnsOf(20, "act"));
    expect(await run()).toMatchObject({ body: "done", requests: 22 });
    expect(await run({ window: false })).toMatchObject({ body: "done", requests: 42 });
  });

  test("parallel tools share them too", async () => {
    script = repliesByTurn(turnsOf(5, "act", "act", "act", "act", "act", "act", "act", "act"));
    expect(await run()).toMatchObject({ body: "done", requests: 7 });
  });

  test("stream() runs ahead like generate()", async () => {
    script = repliesByTurn(turnsOf(20, "look"));
    expect(await run({}, "stream")).toMatchObject({ body: "done", requests: 2 });
  });

  test("a model that executes tools itself waits, unless they are read-only", async () => {
    script = repliesByTurn(turnsOf(5, "look"));
    expect(await run({ search: "readOnly" })).toMatchObject({ body: "done", requests: 2 });
    expect(await run({ search: "effects" })).toMatchObject({ body: "done", requests: 7 });
  });

  test("a context tool waits, and so does what follows its own steps", async () => {
    script = repliesByTurn(turnsOf(3, "plan"));
    const { body, requests } = await run();
    expect({ body, requests }).toEqual({ body: "done", requests: 8 });
  });
});

test.each([
  ["read-only", ["look"]],
  ["side effects", ["act"]],
  ["parallel, mixed", ["look", "act", "plan", "refuse"]],
])("the steps have the same names in the same order without a window: %s", async (_, tools) => {
  script = repliesByTurn(turnsOf(4, ...tools));
  const ahead = await run();
  const behind = await run({ window: false });
  expect([ahead.body, behind.body]).toEqual(["done", "done"]);
  expect(new Set(ahead.steps)).toEqual(new Set(behind.steps));
  if (tools.length === 1) expect(ahead.steps).toEqual(behind.steps);
  expect([...effects.counts().values()].every((count) => count === 2)).toBe(true);
});

test("a transient failure inside a window repeats no step that had completed", async () => {
  const usual = repliesByTurn(turnsOf(10, "look"));
  let failed = false;
  script = (request, n) => {
    if (turnOfConversation(request) !== 6 || failed) return usual(request, n);
    failed = true;
    return { error: { status: 503 } };
  };
  expect(await run()).toMatchObject({ status: 200, body: "done", requests: 3 });
  expect(openai.count).toBe(12);
  expect([...effects.counts().values()]).toEqual(Array.from({ length: 10 }, () => 1));
});

test("a tool's TerminalError inside a window goes to the model", async () => {
  script = repliesByTurn(turnsOf(2, "refuse"));
  expect(await run()).toMatchObject({ status: 200, body: "done" });
  expect(JSON.stringify(openai.requests.at(-1)?.body)).toContain("no refuse1x0 here");
});

describe("cancelling", () => {
  test("between gates takes effect when the window ends; nothing begins after it", async () => {
    const usual = repliesByTurn(turnsOf(60, "look"));
    script = async (request, n) => ({ ...(await usual(request, n)), delayMs: 50 });
    const id = await restate.send("Window/generate", { prompt: "go", window: { ms: 400 } });
    await openai.waitFor(2);
    await restate.cancel(id);
    const { status } = await restate.attach(id, 15_000);
    const calls = openai.count;
    expect(status).toBe(409);
    expect(calls).toBeLessThan(25);
    // One step more than what happened: the one that was refused.
    const journal = await restate.journal(id);
    const steps = journal.filter(({ entry_type }) => entry_type === "Command: Run").length;
    expect(steps).toBe(calls + effects.counts().size + 1);
  });

  test("while the model answers keeps the side effect that it asks for from happening", async () => {
    const usual = repliesByTurn(turnsOf(3, "act"));
    script = async (request, n) => ({ ...(await usual(request, n)), delayMs: 700 });
    const id = await restate.send("Window/generate", { prompt: "go" });
    await openai.waitFor(1);
    await restate.cancel(id);
    expect((await restate.attach(id, 15_000)).status).toBe(409);
    expect(effects.counts().size).toBe(0);
    expect(openai.count).toBe(1);
  });
});
