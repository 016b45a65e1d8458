/** Agents in the background, on the in-memory fake. */
import { describe, expect, test } from "vitest";
import {
  AgentCancelledError,
  agentJobs,
  agentService,
  agentSession,
  cancelAgent,
  collectAgent,
  type Context,
  contextTool,
  RestateAgent,
  startAgent,
  TerminalError,
  TimeoutError,
  withRestateContext,
} from "../../../src/index.ts";
import { z } from "zod";
import { FAKE_PENDING } from "../../../src/testing/fake-context.ts";
import { type FakeOptions, type FakeResult, runFake, scriptedModel } from "../../../src/testing/in-memory.ts";

const agent = () => new RestateAgent({ id: "a", model: scriptedModel([{ text: "hi" }]) });
const research = agentService("Research", agent());
const usage = { inputTokens: 7, inputTokenDetails: {}, outputTokens: 0, outputTokenDetails: {}, totalTokens: 7 };
const answer = (output: unknown) => ({
  "restate-edge-agents.answer": 1,
  output,
  models: [{ provider: "x", modelId: "y", steps: 1, usage }],
});
const fake = <T>(body: () => Promise<T>, options: FakeOptions = {}): Promise<FakeResult<T>> =>
  runFake((context) => withRestateContext(context, body), options);

describe("startAgent()", () => {
  test("gives a handle that survives JSON, and starts once", async () => {
    const run = async () => JSON.parse(JSON.stringify(await startAgent(research, "go"))) as unknown;
    const whole = await fake(run);
    expect(whole.outcome).toEqual({ ok: true, value: { invocationId: "inv_Research/run", target: "Research/run" } });
    expect(whole.journal.commands).toEqual(["send Research/run"]);
    for (const crashAt of whole.journal.events.map((_, n) => n + 1)) {
      const again = await fake(run, { crashAt: [crashAt] });
      expect(again.journal.commands).toEqual(["send Research/run"]);
    }
  });

  test("of a session says so, and collects its text", async () => {
    const chat = agentSession("Chat", agent());
    const run = async () => {
      const handle = await startAgent(chat, "hello", { key: "c1" });
      return [handle.session, handle.target, await collectAgent(handle)];
    };
    const { outcome } = await fake(run, { calls: () => answer({ turn: "t", text: "hello back" }) });
    expect(outcome).toEqual({ ok: true, value: [true, "Chat/c1/send", "hello back"] });
  });
});

describe("collectAgent()", () => {
  const handle = { invocationId: "inv_1", target: "Research/run" };

  test("waits for the answer, and what it has cost counts for who collects", async () => {
    const collect = contextTool({ inputSchema: z.object({}), execute: () => collectAgent<typeof research>(handle) });
    const model = scriptedModel([{ toolCalls: [{ id: "c", name: "collect", input: {} }] }, { text: "done" }]);
    const run = async () => {
      const result = await new RestateAgent({ id: "p", model, tools: { collect } }).generate({ prompt: "go" });
      return [result.toolResults.map(({ output }) => output), result.usage.totalTokens];
    };
    const { outcome, journal } = await fake(run, { calls: () => answer("a report") });
    expect(outcome).toEqual({ ok: true, value: [["a report"], 37] });
    expect(journal.commands).toContain("attach inv_1");
  });

  test("fails as the agent has, or when it takes too long, and then leaves it alone", async () => {
    const failing = (code: number) => () => {
      throw new TerminalError("no", { errorCode: code });
    };
    const failed = await fake(() => collectAgent(handle), { calls: failing(402) });
    expect(failed.outcome).toMatchObject({ ok: false, error: { code: 402, message: "no" } });
    const cancelled = await fake(() => collectAgent(handle), { calls: failing(409) });
    expect(cancelled.outcome).toMatchObject({ ok: false, error: new AgentCancelledError("Research/run") });
    const late = await fake(() => collectAgent(handle, { timeoutMs: 100 }), { calls: () => FAKE_PENDING });
    if (late.outcome.ok) throw new Error("it was pending");
    expect(late.outcome.error).toBeInstanceOf(TimeoutError);
    expect(late.journal.commands).toEqual(["attach inv_1", "sleep"]);
  });

  test("cancelAgent() cancels what was started", async () => {
    const { journal } = await fake(async () => cancelAgent(handle));
    expect(journal.commands).toEqual(["cancel inv_1"]);
  });
});

describe("agentJobs()", () => {
  const jobs = agentJobs("Jobs");
  const { run } = (
    jobs as unknown as { readonly service: { readonly run: (c: Context, job: unknown) => Promise<unknown> } }
  ).service;

  /** The job that `startAgent()` sends. */
  async function jobOf(options: { readonly scope?: string; readonly limitKey?: string } = {}): Promise<unknown> {
    let sent: unknown;
    await runFake((context) =>
      withRestateContext(
        new Proxy(context, {
          get: (target, name) => {
            const value: unknown = Reflect.get(target, name, target);
            if (name !== "genericSend") return value;
            return (send: { readonly parameter: unknown }) => {
              sent = JSON.parse(JSON.stringify(send.parameter));
              return (value as (of: unknown) => unknown)(send);
            };
          },
        }),
        () =>
          startAgent(research, "go", {
            ...options,
            notify: { through: jobs, service: "Reports", key: "k", handler: "add", data: { for: "ada" } },
          }),
      ),
    );
    return sent;
  }

  test("calls the agent in the scope and under the limit that were asked for", async () => {
    const job = await jobOf({ scope: "tenant", limitKey: "openai" });
    let called: unknown;
    await runFake(
      (context) =>
        run(
          new Proxy(context, {
            get: (target, name) => {
              const value: unknown = Reflect.get(target, name, target);
              if (name !== "genericCall") return value;
              return (call: unknown) => {
                called = call;
                return (value as (of: unknown) => unknown)(call);
              };
            },
          }),
          job,
        ),
      { calls: () => answer("a report") },
    );
    expect(called).toMatchObject({ service: "Research", scope: "tenant", limitKey: "openai" });
  });

  test("calls the agent, and then whom it concerns, once", async () => {
    const job = await jobOf();
    const told: unknown[] = [];
    const spied = (context: Context): Context =>
      Object.assign(Object.create(context) as Context, {
        genericSend: (send: { readonly parameter: unknown }): unknown => {
          told.push(send.parameter);
          return context.genericSend(send as never);
        },
      });
    const whole = await runFake((context) => run(spied(context), job), { calls: () => answer("a report") });
    expect(whole.outcome).toEqual({ ok: true, value: "a report" });
    expect(told).toMatchObject([{ ok: true, output: "a report", usage }]);
    expect(whole.journal.commands).toEqual(["call Research/run", "send Reports/k/add"]);
  });

  test("tells of a failure, and of a cancellation, and ends alike", async () => {
    const job = await jobOf();
    const failed = await runFake((context) => run(context, job), {
      calls: () => {
        throw new TerminalError("no", { errorCode: 402 });
      },
    });
    expect(failed.outcome).toMatchObject({ ok: false, error: { code: 402 } });
    expect(failed.journal.commands).toEqual(["call Research/run", "send Reports/k/add"]);
    const cancelled = await runFake((context) => run(context, job), { calls: () => FAKE_PENDING, cancelAt: 1 });
    expect(cancelled.outcome).toMatchObject({ ok: false, error: { name: "CancelledError" } });
    expect(cancelled.journal.commands).toEqual(["call Research/run", "cancel inv_Research/run", "send Reports/k/add"]);
  });

  test("refuses what nobody of us has sent", async () => {
    const { outcome } = await runFake((context) => run(context, { target: "x" }));
    expect(outcome).toMatchObject({ ok: false, error: { errorCode: "invalid-input" } });
  });
});
