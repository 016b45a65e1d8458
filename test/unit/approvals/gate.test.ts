/** Agents whose tools ask people, on the in-memory fake. The approval object is a stand-in: what it answers is scripted. */
import { tool, type ToolSet } from "ai";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { ApprovalDecision, Approvals } from "../../../src/approvals/approvals.ts";
import { contextTool, RestateAgent, type RestateAgentOptions, withRestateContext } from "../../../src/index.ts";
import {
  crashEverywhere,
  type FakeOptions,
  type FakeResult,
  runFake,
  type ScriptedModel,
  scriptedModel,
} from "../../../src/testing/in-memory.ts";
import { FAKE_PENDING } from "../../../src/testing/fake-context.ts";
import { askUser } from "../../../src/tools/ask-user.ts";

const input = z.object({ id: z.string() });
const call = (name: string, id: string, extra: unknown = { id }) => ({ id, name, input: extra });
const approvals: Approvals = { object: { name: "Approvals" } };
const APPROVED: ApprovalDecision = { state: "approved", approved: true };
const DENIED: ApprovalDecision = { state: "denied", approved: false, reason: "too expensive" };

interface Trial {
  readonly tools: ToolSet;
  readonly calls: readonly ReturnType<typeof call>[];
  readonly settings?: object;
  readonly options?: RestateAgentOptions;
  readonly fake?: FakeOptions;
}

interface Tried {
  readonly result: FakeResult<string>;
  readonly model: ScriptedModel;
  /** What was called of the approval object. */
  readonly asked: readonly { readonly target: string; readonly input: unknown }[];
}

/** One run: the model calls the tools, and says "done". */
async function tryIt({ tools, calls, settings = {}, options = {}, fake = {} }: Trial): Promise<Tried> {
  const model = scriptedModel([{ toolCalls: [...calls] }, { text: "done" }]);
  const asked: { target: string; input: unknown }[] = [];
  const agent = new RestateAgent({ id: "a", model, tools, ...settings }, { approvals, ...options });
  const result = await runFake(
    (context) => withRestateContext(context, async () => (await agent.generate({ prompt: "go" })).text),
    {
      ...fake,
      calls: (target, given) => {
        asked.push({ target: target.replace(/\/\d\//, "/*/"), input: given });
        return fake.calls?.(target, given) ?? {};
      },
    },
  );
  return { result, model, asked };
}

/** What the model was told of the tools. */
const toldOf = (model: ScriptedModel): unknown[] =>
  model.calls.at(-1)?.prompt.flatMap((message) =>
    message.role === "tool" ? message.content.map((part) => (part.type === "tool-result" ? part.output : part)) : [],
  ) ?? [];

const commandsOf = (result: FakeResult<unknown>): string[] =>
  result.journal.commands.map((command) => command.replace(/\/\d\//, "/*/"));

function counted(settings: object = {}) {
  const ran: string[] = [];
  const book = tool({
    inputSchema: input,
    needsApproval: true,
    execute: ({ id }) => {
      ran.push(id);
      return `booked ${id}`;
    },
    ...settings,
  });
  return { ran, tools: { book } };
}

describe("a tool that needs an approval", () => {
  test("runs once, when a person has approved; these are its commands", async () => {
    const { ran, tools } = counted();
    const { result, model, asked } = await tryIt({ tools, calls: [call("book", "c1")], fake: { signals: () => APPROVED } });
    expect(result.outcome).toEqual({ ok: true, value: "done" });
    expect(ran).toEqual(["c1"]);
    expect(toldOf(model)).toEqual([{ type: "text", value: "booked c1" }]);
    expect(commandsOf(result)).toEqual([
      "run a model 1",
      "awakeable awakeable-1",
      "call Approvals/*/open",
      "run a tool book c1",
      "run a model 2",
    ]);
    expect(asked).toMatchObject([
      {
        target: "Approvals/*/open",
        input: {
          id: expect.stringMatching(/^apr_[0-7][0-9a-z]{6}_[0-9a-f]{32}$/) as string,
          kind: "approval",
          agent: "a",
          invocationId: "inv_fake",
          tool: "book",
          toolCallId: "c1",
          input: { id: "c1" },
          awakeable: "awakeable-1",
        },
      },
    ]);
  });

  test("does not run when a person has denied: the model is told why", async () => {
    const { ran, tools } = counted();
    const { result, model } = await tryIt({ tools, calls: [call("book", "c1")], fake: { signals: () => DENIED } });
    expect(result.outcome).toEqual({ ok: true, value: "done" });
    expect(ran).toEqual([]);
    expect(toldOf(model)).toEqual([{ type: "execution-denied", reason: "too expensive" }]);
  });
});
