/** What an agent inside a tool does shows in the stream of the agent around it, and people are asked there. */
import { isToolUIPart, tool, type UIMessage } from "ai";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { EXTRAS } from "../../../src/agent/run-extras.ts";
import {
  type AgentStreamEvent,
  agentTool,
  approvalObject,
  RestateAgent,
  withRestateContext,
} from "../../../src/index.ts";
import type { LiveEvent, RunSink, SettledEvent } from "../../../src/stream/run-sink.ts";
import { PendingQuestions } from "../../../src/subagents/pending-questions.ts";
import { type FakeOptions, runFake, scriptedModel } from "../../../src/testing/in-memory.ts";

const ask = (...names: string[]) => ({
  toolCalls: names.map((name, n) => ({ id: `${name}-${n}`, name, input: { prompt: `task ${n}` } })),
});
const act = (...ids: string[]) => ({ toolCalls: ids.map((id) => ({ id, name: "act", input: { id } })) });
const MODES = ["bidirectional", "request-response"] as const;

/** Keeps all that it is told. */
class Watcher {
  readonly told: LiveEvent[] = [];
  settledNow: SettledEvent[] = [];
  readonly #controller = new AbortController();
  readonly stopped = this.#controller.signal;

  async live(event: LiveEvent): Promise<{ readonly stop: boolean }> {
    this.told.push(event);
    return { stop: this.stopped.aborted };
  }

  stop(): void {
    this.#controller.abort();
  }

  /** The preliminary outputs of a call. */
  outputs(toolCallId: string): UIMessage[] {
    return this.told.flatMap((event) =>
      event.type === "tool-output" && event.toolCallId === toolCallId ? [event.output as UIMessage] : [],
    );
  }
}

const approvals = approvalObject("Approvals");

/** Runs `agent` as a session does. */
function watched(
  agent: { generate(parameters: object): PromiseLike<{ readonly text: string }> },
  watcher: Watcher,
  options: FakeOptions = {},
) {
  return runFake(
    (context) =>
      withRestateContext(context, async () => {
        // An attempt that has died may still be told something.
        const settledNow: SettledEvent[] = [];
        watcher.settledNow = settledNow;
        const sink: RunSink = {
          live: (event) => watcher.live(event),
          stopped: watcher.stopped,
          settled: (event) => void settledNow.push(event),
        };
        return (await agent.generate({ prompt: "go", [EXTRAS]: { sink, approvals: { object: approvals } } })).text;
      }),
    { calls: (target) => ({ target }), signals: () => ({ state: "decided", approved: true }), ...options },
  );
}

const loose = (agent: object) => agent as { generate(parameters: object): PromiseLike<{ readonly text: string }> };

describe.each(MODES)("progress of an agent in a tool, %s", (mode) => {
  const tools = { act: tool({ inputSchema: z.object({ id: z.string() }), execute: ({ id }) => `acted ${id}` }) };
  const child = () =>
    new RestateAgent({
      id: "child",
      model: scriptedModel([{ text: "Let me see.", ...act("x") }, { text: "child done" }]),
      tools,
    });

  test("comes as preliminary outputs of the call, the agent's message so far; the last step's end is always told", async () => {
    const watcher = new Watcher();
    const parent = new RestateAgent({
      id: "p",
      model: scriptedModel([ask("child"), { text: "done" }]),
      tools: { child: agentTool(child()) },
    });
    const { outcome } = await watched(loose(parent), watcher, { mode });
    expect(outcome).toEqual({ ok: true, value: "done" });
    const last = watcher.outputs("child-0").at(-1);
    expect(last?.role).toBe("assistant");
    expect(last?.parts.map((part) => (part.type === "text" ? part.text : part.type))).toEqual([
      "step-start",
      "Let me see.",
      "tool-act",
      "step-start",
      "child done",
    ]);
    const part = last?.parts.find(isToolUIPart);
    expect(part).toMatchObject({ toolCallId: "x", state: "output-available", output: "acted x" });
    // Nothing of it is settled but the call itself, and none of the child's own parts are the parent's.
    const ofParent = watcher.told.filter((event) => event.type === "part" || event.type === "end");
    expect(JSON.stringify(ofParent)).not.toContain("child done");
    expect(watcher.settledNow.map(({ type }) => type)).toEqual([
      "model-step",
      "tool-input",
      "tool-result",
      "model-step",
    ]);
  });

  test("of a grandchild is in the message of the child", async () => {
    const slow = new RestateAgent({
      id: "child",
      model: scriptedModel([
        { text: "Let me see.", ...act("x") },
        { text: "child done", delayMs: 300 },
      ]),
      tools,
    });
    const middle = new RestateAgent({
      id: "middle",
      model: scriptedModel([ask("leaf"), { text: "middle done" }]),
      tools: { leaf: agentTool(slow) },
    });
    const watcher = new Watcher();
    const parent = new RestateAgent({
      id: "p",
      model: scriptedModel([ask("middle"), { text: "done" }]),
      tools: { middle: agentTool(middle) },
    });
    await watched(loose(parent), watcher, { mode });
    const shown = watcher.outputs("middle-0").map((message) => JSON.stringify(message.parts));
    expect(shown.some((text) => text.includes('"preliminary":true') && text.includes("Let me see."))).toBe(true);
    expect(shown.at(-1)).toContain("middle done");
  });

  test("is the callback's, too, and nobody's when it is not wanted", async () => {
    const seen: AgentStreamEvent[] = [];
    const run = (progress: boolean) =>
      runFake((context) =>
        withRestateContext(context, () =>
          new RestateAgent(
            {
              id: "p",
              model: scriptedModel([ask("child"), { text: "done" }]),
              tools: { child: agentTool(child(), { progress }) },
            },
            { onStreamEvent: (event) => void seen.push(event) },
          ).generate({ prompt: "go" }),
        ),
      );
    await run(true);
    expect(seen.filter(({ type }) => type === "tool-output").length).toBeGreaterThan(0);
    seen.length = 0;
    await run(false);
    expect(seen.filter(({ type }) => type === "tool-output")).toEqual([]);
  });

  test("changes nothing of the journal, wherever the process dies", async () => {
    const make = (progress: boolean) =>
      loose(
        new RestateAgent({
          id: "p",
          model: scriptedModel([ask("child", "child"), { text: "done" }]),
          tools: { child: agentTool(child(), { progress }) },
        }),
      );
    const silent = await watched(make(false), new Watcher(), { mode });
    const shown = await watched(make(true), new Watcher(), { mode });
    expect([...shown.journal.commands].sort()).toEqual([...silent.journal.commands].sort());
    for (let crashAt = 1; crashAt <= shown.journal.events.length; crashAt++) {
      const watcher = new Watcher();
      const died = await watched(make(true), watcher, { mode, crashAt: [crashAt] });
      expect(died.outcome).toEqual(shown.outcome);
      expect(watcher.settledNow.filter(({ type }) => type === "tool-result")).toHaveLength(2);
    }
  });

  test("a stop of the outer agent ends the inner one's answer where it is", async () => {
    const watcher = new Watcher();
    const model = scriptedModel(() => {
      watcher.stop();
      return { text: "on it", ...act("x") };
    });
    const inner = new RestateAgent({ id: "child", model, tools });
    const parentModel = scriptedModel([ask("child"), { text: "never" }]);
    const parent = new RestateAgent({ id: "p", model: parentModel, tools: { child: agentTool(inner) } });
    const { outcome, journal } = await watched(loose(parent), watcher, { mode });
    // A session knows what it means that nothing was said (turn-agent.ts).
    expect(outcome).toMatchObject({ ok: false, error: { name: "AI_NoOutputGeneratedError" } });
    expect(model.calls.length).toBe(1);
    expect(journal.commands.filter((command) => command.includes(" tool "))).toEqual([]);
  });

  test("questions to people are asked as those of the outer call, one at a time", async () => {
    const book = tool({
      inputSchema: z.object({ id: z.string() }),
      needsApproval: true,
      execute: ({ id }) => `booked ${id}`,
    });
    const clerk = new RestateAgent({
      id: "clerk",
      model: scriptedModel([act("x", "y"), { text: "booked" }]),
      tools: { act: book },
    });
    const watcher = new Watcher();
    const parent = new RestateAgent({
      id: "p",
      model: scriptedModel([ask("clerk"), { text: "done" }]),
      tools: { clerk: agentTool(clerk) },
    });
    const { outcome } = await watched(loose(parent), watcher, { mode });
    expect(outcome).toEqual({ ok: true, value: "done" });
    const questions = watcher.settledNow.filter((event) => event.type.startsWith("approval"));
    expect(questions.map((event) => [event.type, (event as { toolCallId?: string }).toolCallId])).toEqual([
      ["approval-request", "clerk-0"],
      ["approval-response", "clerk-0"],
      ["approval-request", "clerk-0"],
      ["approval-response", "clerk-0"],
    ]);
    expect(questions[0]).toMatchObject({ toolName: "clerk", reason: "clerk: act" });
    const live = watcher.told.filter((event) => event.type.startsWith("approval"));
    expect(new Set(live.map((event) => (event as { toolCallId: string }).toolCallId))).toEqual(new Set(["clerk-0"]));
    expect(watcher.outputs("clerk-0").some((message) => JSON.stringify(message).includes("approval-requested"))).toBe(
      true,
    );
  });
});

test("PendingQuestions shows one at a time, and forgets what was answered elsewhere", () => {
  const question = (approvalId: string) =>
    ({ type: "approval-request", approvalId, toolCallId: "c", toolName: "t" }) as const;
  const yes = (approvalId: string) =>
    ({ type: "approval-response", approvalId, toolCallId: "c", approved: true }) as const;
  const pending = new PendingQuestions();
  expect([
    pending.add(question("a")),
    pending.add(question("b")),
    pending.add(question("c")),
    pending.add(question("a")),
  ]).toEqual([true, false, false, true]);
  expect(pending.answer(yes("b"))).toEqual([]);
  expect(pending.answer(yes("a"))).toEqual([yes("a"), question("c")]);
  expect(pending.answer(yes("a"))).toEqual([]);
  expect(pending.answer(yes("c"))).toEqual([yes("c")]);
  expect(pending.add(question("c"))).toBe(false);
});
