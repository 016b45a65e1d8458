/** What agents that pass the conversation to each other bring along: MCP servers, and who is asked before their tools. */
import { tool, type ToolSet } from "ai";
import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { handoffAgent, McpClient, mcpTools, RestateAgent, withRestateContext } from "../../../src/index.ts";
import { type FakeOptions, runFake, scriptedModel } from "../../../src/testing/in-memory.ts";
import { type ScriptedMcp, startScriptedMcp, text } from "../../mcp/scripted-mcp.ts";

const call = (name: string, input: object = {}) => ({ toolCalls: [{ id: `c-${name}`, name, input }] });
const transfer = (to: string) => call(`transfer_to_${to}`);
type Calls = ReturnType<typeof scriptedModel>["calls"];
const offered = (calls: Calls, n = 0): string[] => (calls[n]?.tools ?? []).map(({ name }) => name).sort();

describe("MCP servers", () => {
  const servers: ScriptedMcp[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });
  async function client(name: string, tools: readonly string[], instructions?: string): Promise<McpClient> {
    const own = Object.fromEntries(tools.map((one) => [one, { call: () => text(`${one} of ${name}`) }]));
    const server = await startScriptedMcp(own);
    servers.push(server);
    server.instructions = instructions;
    return new McpClient({ name, url: server.url, instructions: instructions !== undefined });
  }

  test("an agent's tools are there while it has the conversation, those of the whole always", async () => {
    const orders = await client("orders", ["find"]);
    const bank = await client("bank", ["pay"], "Pay once.");
    const clock = await client("clock", ["now"]);
    const models = {
      triage: scriptedModel([call("find"), transfer("refunds"), { text: "unreachable" }]),
      refunds: scriptedModel((_, turn) => (turn === 2 ? call("pay") : { text: "paid" })),
    };
    const made = () => {
      const triage = new RestateAgent({ id: "triage", model: models.triage }, { mcp: [orders] });
      const own: ToolSet = { ...mcpTools(bank) };
      const refunds = new RestateAgent<never, ToolSet>({ id: "refunds", model: models.refunds, tools: own });
      return handoffAgent({ id: "desk", agents: { triage, refunds } }, { mcp: [clock] });
    };
    const run = (fake: FakeOptions = {}) =>
      runFake(
        (context) => withRestateContext(context, async () => (await made().generate({ prompt: "refund me" })).text),
        fake,
      );
    const whole = await run();
    expect(whole.outcome).toEqual({ ok: true, value: "paid" });
    expect(whole.journal.commands).toEqual([
      "run desk mcp orders list",
      "run desk mcp bank list",
      "run desk mcp clock list",
      "run desk model 1",
      "run desk tool find c-find",
      "run desk model 2",
      "run desk model 3",
      "run desk tool pay c-pay",
      "run desk model 4",
    ]);
    expect(offered(models.triage.calls)).toEqual(["find", "now", "transfer_to_refunds"]);
    expect(offered(models.refunds.calls)).toEqual(["now", "pay", "transfer_to_triage"]);
    expect(models.triage.calls[0]?.prompt[0]).toMatchObject({ role: "system", content: "You are triage." });
    expect(models.refunds.calls[0]?.prompt[0]).toMatchObject({ content: "You are refunds.\n\nPay once." });
    for (let crashAt = 1; crashAt <= whole.journal.events.length; crashAt += 4) {
      const again = await run({ crashAt: [crashAt] });
      expect(again.outcome).toEqual(whole.outcome);
      expect(again.journal.commands).toEqual(whole.journal.commands);
    }
  });

  test("a server that two of them have is asked once", async () => {
    const files = await client("files", ["read"]);
    const model = scriptedModel([transfer("two"), { text: "done" }]);
    const second = scriptedModel([{ text: "two answers" }]);
    const one = new RestateAgent({ id: "one", model }, { mcp: [files] });
    const two = new RestateAgent({ id: "two", model: second }, { mcp: [files] });
    const agent = handoffAgent({ id: "desk", agents: { one, two } });
    const { outcome, journal } = await runFake((context) =>
      withRestateContext(context, async () => (await agent.generate({ prompt: "go" })).text),
    );
    expect(outcome).toEqual({ ok: true, value: "two answers" });
    expect(journal.commands).toEqual(["run desk mcp files list", "run desk model 1", "run desk model 2"]);
    expect(offered(second.calls)).toEqual(["read", "transfer_to_one"]);
  });
});

describe("toolApproval", () => {
  const pay = tool({ inputSchema: z.object({}), execute: () => "paid" });
  const asked: string[] = [];

  /** Both have the tool; the first one passes the conversation on when it has called it. */
  async function run(first: unknown, second: unknown, fake: FakeOptions = {}) {
    asked.length = 0;
    const one = new RestateAgent<never, ToolSet>({
      id: "one",
      model: scriptedModel([call("pay"), transfer("two"), { text: "unreachable" }]),
      tools: { pay },
      toolApproval: first as never,
    });
    const two = new RestateAgent<never, ToolSet>({
      id: "two",
      model: scriptedModel((_, turn) =>
        turn === 2 ? { toolCalls: [{ id: "c-again", name: "pay", input: {} }] } : { text: "two answers" },
      ),
      tools: { pay },
      toolApproval: second as never,
    });
    const agent = handoffAgent({ id: "desk", agents: { one, two } });
    return runFake(
      (context) =>
        withRestateContext(context, async () => {
          const { finishReason, steps, text: said } = await agent.generate({ prompt: "go" });
          const requests = steps.flatMap(({ content }) =>
            content.flatMap((part) =>
              part.type === "tool-approval-request" ? [`${part.toolCall.toolCallId} ${part.isAutomatic === true}`] : [],
            ),
          );
          return [said, finishReason, requests];
        }),
      fake,
    );
  }

  test("is that of the agent that calls the tool, for a tool and as a function", async () => {
    const waits = { ok: true, value: ["", "tool-calls", ["c-again false"]] };
    expect((await run(undefined, { pay: "user-approval" })).outcome).toEqual(waits);
    expect((await run({ pay: "approved" }, { pay: "user-approval" })).outcome).toMatchObject({
      value: ["", "tool-calls", expect.arrayContaining(["c-again false"])],
    });
    const policy = ({ toolCall }: { toolCall: { toolName: string } }) => {
      asked.push(toolCall.toolName);
      return "user-approval";
    };
    expect((await run(undefined, policy)).outcome).toEqual(waits);
    expect(asked).toEqual(["pay"]);
    // The other way round the first call waits already; a transfer asks nobody.
    expect((await run(policy, undefined)).outcome).toEqual({ ok: true, value: ["", "tool-calls", ["c-pay false"]] });
    expect((await run(undefined, undefined)).outcome).toEqual({ ok: true, value: ["two answers", "stop", []] });
  });

  test("people are asked as the whole says, once, wherever it dies", async () => {
    const paid: string[] = [];
    const run = (approved: boolean, fake: FakeOptions = {}) => {
      const tools = { pay: tool({ inputSchema: z.object({}), execute: () => `paid ${paid.push("x")}` }) };
      const model = scriptedModel((_, turn) => (turn === 1 ? call("pay") : { text: "done" }));
      const toolApproval = () => "user-approval" as const;
      const first = scriptedModel([transfer("two")]);
      const one = new RestateAgent<never, ToolSet>({ id: "one", model: first, tools, toolApproval });
      const two = new RestateAgent<never, ToolSet>({ id: "two", model, tools, toolApproval });
      const agent = handoffAgent(
        { id: "desk", agents: { one, two } },
        { approvals: { object: { name: "Approvals" } } },
      );
      return runFake(
        (context) => withRestateContext(context, async () => (await agent.generate({ prompt: "go" })).text),
        { ...fake, signals: () => ({ state: approved ? "approved" : "denied", approved }), calls: () => ({}) },
      );
    };
    const whole = await run(true);
    expect(whole.outcome).toEqual({ ok: true, value: "done" });
    expect(whole.journal.commands.map((command) => command.replace(/\/\d\//, "/*/"))).toEqual([
      "run desk model 1",
      "run desk policy transfer_to_two c-transfer_to_two",
      "run desk model 2",
      "run desk policy pay c-pay",
      "awakeable awakeable-1",
      "call Approvals/*/open",
      "run desk tool pay c-pay",
      "run desk model 3",
    ]);
    for (let crashAt = 1; crashAt <= whole.journal.events.length; crashAt++) {
      const again = await run(true, { crashAt: [crashAt] });
      expect(again.outcome).toEqual(whole.outcome);
      expect(again.journal.commands).toEqual(whole.journal.commands);
    }
    paid.length = 0;
    expect((await run(false)).outcome).toEqual({ ok: true, value: "done" });
    expect(paid).toEqual([]);
  });
});
