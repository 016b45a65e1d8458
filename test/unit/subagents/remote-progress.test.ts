/** An agent that is called over Restate shows those who watch its caller what it does. */
import { isToolUIPart, tool, type ToolSet, type UIMessage } from "ai";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { EXTRAS } from "../../../src/agent/run-extras.ts";
import {
  agentService,
  agentTool,
  callAgent,
  type Context,
  contextTool,
  raceAgents,
  remoteAgent,
  RestateAgent,
  startAgent,
  withRestateContext,
} from "../../../src/index.ts";
import { type ReaderAddress, readReaders, READERS_HEADER, writeReaders } from "../../../src/stream/reader-address.ts";
import type { StreamReportInput } from "../../../src/stream/stream-object.ts";
import { listen, type LoopbackServer, readJson } from "../../../src/testing/http-server.ts";
import { type FakeOptions, runFake, scriptedModel } from "../../../src/testing/in-memory.ts";
import type { ScriptedReply } from "../../../src/testing/scripted-reply.ts";
import { handlerOf } from "../agent/continue-as-new-chain.ts";

const MODES = ["bidirectional", "request-response"] as const;
const reader: ReaderAddress = { service: "Chat.streams", stream: "Chat/ü/t1", grant: "secret", path: [] };
const ask = (...names: string[]) => ({
  toolCalls: names.map((name, n) => ({ id: `${name}-${n}`, name, input: { prompt: `task ${n}` } })),
});

/** The context, and the readers that its calls and sends were made with. */
function spied(context: Context, seen: Map<string, readonly ReaderAddress[]>): Context {
  const note = (call: { service: string; headers?: Record<string, string> }): void => {
    seen.set(call.service, readReaders(call.headers?.[READERS_HEADER]));
  };
  const make = (name: "genericCall" | "genericSend") => (call: never) => {
    note(call);
    return (context[name] as (call: never) => unknown)(call);
  };
  return Object.assign(Object.create(context) as Context, {
    genericCall: make("genericCall"),
    genericSend: make("genericSend"),
  });
}

async function readersOf(agent: object, watched: boolean, options: FakeOptions = {}) {
  const seen = new Map<string, readonly ReaderAddress[]>();
  const sink = { live: async () => ({ stop: false }), settled: () => {}, readers: [reader] };
  const loose = agent as { generate(parameters: object): PromiseLike<{ readonly text: string }> };
  const run = await runFake(
    (context) =>
      withRestateContext(spied(context, seen), async () => {
        const extras = watched ? { [EXTRAS]: { sink } } : {};
        return (await loose.generate({ prompt: "go", ...extras })).text;
      }),
    options,
  );
  return { seen, run };
}

const paths = (readers: readonly ReaderAddress[] | undefined) =>
  readers?.map(({ path }) => path.map(({ call, n }) => `${call}#${n}`).join(" "));

describe.each(MODES)("a caller that is watched, %s", (mode) => {
  const remote = agentTool(remoteAgent("Far"), { inputSchema: z.object({ prompt: z.string() }) });
  const several = contextTool({
    inputSchema: z.object({ prompt: z.string() }),
    execute: async () => {
      await callAgent(remoteAgent("One"), "a");
      await raceAgents({
        two: () => callAgent(remoteAgent("Two"), "b"),
        three: () => callAgent(remoteAgent("Three"), "c"),
      });
      await startAgent(remoteAgent("Background"), "d");
      return "done";
    },
  });
  const parent = (tools: ToolSet, script: readonly ScriptedReply[], options = {}) =>
    new RestateAgent({ id: "p", model: scriptedModel(script), tools }, options);

  test("says with the call where its readers are, and of which tool call it is; the same on each replay", async () => {
    const make = () => parent({ remote, several }, [ask("remote", "several"), { text: "done" }]);
    const { seen, run } = await readersOf(make(), true, { mode });
    expect(seen.get("Far")?.[0]).toMatchObject({ service: "Chat.streams", stream: "Chat/ü/t1", grant: "secret" });
    const expected = { Far: ["remote-0#1"], One: ["several-1#1"], Two: ["several-1#2"], Three: ["several-1#3"] };
    const found = (of: ReadonlyMap<string, readonly ReaderAddress[]>) =>
      Object.fromEntries([...of].map(([name, readers]) => [name, paths(readers)]));
    // What runs in the background has its own life: its starter's call has long ended.
    expect(found(seen)).toEqual({ ...expected, Background: [] });
    for (let length = 1; length <= run.journal.events.length; length++) {
      const again = await readersOf(make(), true, { mode, journal: run.journal.prefix(length) });
      expect(again.run.outcome).toEqual(run.outcome);
      for (const [name, readers] of again.seen) expect([name, paths(readers)]).toEqual([name, paths(seen.get(name))]);
    }
  });

  test("is told of what an agent in its own journal calls as of something inside of that", async () => {
    const inner = new RestateAgent({
      id: "inner",
      model: scriptedModel([ask("remote"), { text: "done" }]),
      tools: { remote },
    });
    const { seen } = await readersOf(parent({ inner: agentTool(inner) }, [ask("inner"), { text: "done" }]), true, {
      mode,
    });
    expect(paths(seen.get("Far"))).toEqual(["inner-0#1 remote-0#1"]);
  });

  test("who is not watched, or would have to redact, says nothing, and calls as ever", async () => {
    const script = [ask("remote"), { text: "done" }];
    const plain = await readersOf(parent({ remote }, script), false, { mode });
    const redacting = await readersOf(parent({ remote }, script, { redact: (text: string) => text }), true, { mode });
    const whole = await readersOf(parent({ remote }, script), true, { mode });
    expect([plain.seen.get("Far"), redacting.seen.get("Far")]).toEqual([[], []]);
    expect(whole.run.journal.commands).toEqual(plain.run.journal.commands);
  });
});

describe("an agent that was called by one that is watched", () => {
  let reports: StreamReportInput[] = [];
  let keys: string[] = [];
  let status = 200;
  let server: LoopbackServer;
  const before = process.env["RESTATE_INGRESS_URL"];

  beforeEach(async () => {
    reports = [];
    keys = [];
    status = 200;
    server = await listen(async (request, response) => {
      keys.push(decodeURIComponent(request.url ?? ""));
      reports.push((await readJson(request)) as StreamReportInput);
      response.writeHead(status, { "content-type": "application/json", "x-restate-id": "inv_1" });
      response.end(status === 200 ? "null" : '{"message":"away"}');
    });
    process.env["RESTATE_INGRESS_URL"] = server.url;
  });
  afterEach(async () => {
    await server.close();
    if (before === undefined) delete process.env["RESTATE_INGRESS_URL"];
    else process.env["RESTATE_INGRESS_URL"] = before;
  });

  const tools = { act: tool({ inputSchema: z.object({ id: z.string() }), execute: ({ id }) => `acted ${id}` }) };
  const act = { toolCalls: [{ id: "x", name: "act", input: { id: "x" } }] };
  const child = () =>
    agentService(
      "Far",
      new RestateAgent({
        id: "far",
        model: scriptedModel([{ text: "Let me see.", ...act }, { text: "far done" }]),
        tools,
      }),
    );
  const called = (header: string | undefined, options: FakeOptions = {}) =>
    runFake((context) => {
      const headers = new Map(header === undefined ? [] : [[READERS_HEADER, header]]);
      const request = { ...context.request(), headers };
      const own = Object.assign(Object.create(context) as Context, { request: () => request });
      return handlerOf(child(), "run")(own, "go");
    }, options);
  const header = writeReaders([{ ...reader, path: [{ call: "c0", n: 1 }] }]);
  const said = ({ parts }: UIMessage) => parts.map((part) => (part.type === "text" ? part.text : part.type));

  test.each(MODES)("reports its message so far, at each step's end, and its journal is as ever, %s", async (mode) => {
    const { outcome, journal } = await called(header, { mode });
    expect(outcome).toEqual({ ok: true, value: "far done" });
    expect(new Set(keys)).toEqual(new Set(["/restate/call/Chat.streams/Chat/ü/t1#progress/report"]));
    expect(reports[0]).toMatchObject({ grant: "secret", path: [{ call: "c0", n: 1 }] });
    const last = reports.at(-1)?.message;
    expect(last && said(last)).toEqual(["step-start", "Let me see.", "tool-act", "step-start", "far done"]);
    expect(last?.parts.find(isToolUIPart)).toMatchObject({ state: "output-available", output: "acted x" });
    const plain = await called(undefined, { mode });
    expect(journal.commands).toEqual(plain.journal.commands);
    expect(journal.events.length).toBe(plain.journal.events.length);
  });

  test.each(MODES)("says the same in the end wherever it dies, and nothing twice in one message, %s", async (mode) => {
    const whole = await called(header, { mode });
    for (let crashAt = 1; crashAt <= whole.journal.events.length; crashAt++) {
      reports = [];
      const died = await called(header, { mode, crashAt: [crashAt] });
      expect(died.outcome).toEqual(whole.outcome);
      expect(died.journal.commands).toEqual(whole.journal.commands);
      for (const { message } of reports) {
        const words = said(message).filter((word) => word !== "step-start");
        expect(words).toEqual([...new Set(words)]);
      }
      // Whoever dies after the last report, and what a replay repeats, says nothing more.
      const last = reports.at(-1)?.message;
      if (last !== undefined) expect(said(last)).toContain("far done");
    }
  });

  test("does not fail, and gives up, when nobody takes what it says", async () => {
    status = 503;
    expect((await called(header)).outcome).toEqual({ ok: true, value: "far done" });
    expect(reports.length).toBeLessThanOrEqual(2);
    delete process.env["RESTATE_INGRESS_URL"];
    expect((await called(header)).outcome).toEqual({ ok: true, value: "far done" });
  });

  test("is shown inside the agent of the caller's own journal that has called it: that one reports, too", async () => {
    const remote = agentTool(remoteAgent("Far"));
    const script = [{ text: "I ask.", ...ask("remote") }, { text: "done" }];
    const inner = new RestateAgent({ id: "inner", model: scriptedModel(script), tools: { remote } });
    const tools = { inner: agentTool(inner) };
    const outer = new RestateAgent({ id: "p", model: scriptedModel([ask("inner"), { text: "done" }]), tools });
    await readersOf(outer, true);
    expect(paths(reports.map(({ path }) => ({ ...reader, path })))).toContain("inner-0#1");
    const [first] = reports;
    expect(first && said(first.message)).toEqual(["step-start", "I ask.", "tool-remote"]);
    expect(first && JSON.stringify(first.message)).toContain('"input-available"');
  });

  test("does not listen to a header that nobody can read", async () => {
    for (const wrong of ["x", "%", "[]", encodeURIComponent('[{"service":"S"}]'), writeReaders([reader])]) {
      expect((await called(wrong)).outcome).toEqual({ ok: true, value: "far done" });
    }
    expect(reports).toEqual([]);
  });
});
