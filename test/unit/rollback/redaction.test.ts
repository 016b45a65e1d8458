/** What a compensation fails with is redacted as what a tool fails with, wherever it is told. */
import { isStepCount, tool } from "ai";
import { expect, test } from "vitest";
import { z } from "zod";
import {
  agentTool,
  contextTool,
  onRollback,
  type Redact,
  RestateAgent,
  rollbackReport,
  type RollbackFailure,
  TerminalError,
} from "../../../src/index.ts";
import { type FakeResult, scriptedModel } from "../../../src/testing/in-memory.ts";
import { call, errorOf, fake } from "./travel.ts";

const SECRET = "4111 1111";
const redact: Redact = (text, { kind, toolName = "none" }) => text.replaceAll(SECRET, `[${kind} of ${toolName}]`);
const input = z.object({ id: z.string() });

/** All that the journal has, and all that the caller gets, as text. */
const told = ({ journal, outcome }: FakeResult<unknown>): string => {
  const results = journal.completions.map(({ outcome: end }) =>
    end.ok === true ? new TextDecoder().decode(end.bytes) : JSON.stringify(end),
  );
  const { message, metadata } = errorOf({ outcome } as FakeResult<unknown>);
  return [...results, message, JSON.stringify(metadata)].join("\n");
};

const refuse = (): never => {
  throw new TerminalError(`not refundable to ${SECRET}`, { metadata: { card: SECRET } });
};
const book = tool({ inputSchema: input, execute: async () => "booked" });
const hold = contextTool({
  inputSchema: input,
  execute: async () => {
    onRollback("release", refuse);
    onRollback("refund", async () => refuse(), { wrap: false });
    return "held";
  },
});
const reject = tool({
  inputSchema: input,
  execute: (): Promise<string> => Promise.reject(new TerminalError(`${SECRET} was refused`)),
});

test("in the journal, the report, and for onRollbackFailed", async () => {
  const failures: RollbackFailure[] = [];
  const model = scriptedModel([
    { toolCalls: [call("book", "a"), call("hold", "b")] },
    { toolCalls: [call("reject", "c")] },
  ]);
  const agent = new RestateAgent(
    { id: "travel", model, tools: { book, hold, reject }, stopWhen: isStepCount(5) },
    {
      redact,
      toolErrors: "fail",
      toolOptions: { book: { onRollback: refuse } },
      onRollbackFailed: (failure) => void failures.push(failure),
    },
  );
  const result = await fake(() => agent.generate({ prompt: "go" }));
  const problems = rollbackReport(errorOf(result))?.notUndone.map(({ step, problem }) => `${step}: ${problem}`);
  expect(problems?.sort()).toEqual([
    "travel rollback refund: not refundable to [failure of none]",
    "travel rollback release: not refundable to [failure of none]",
    "travel undo book a: not refundable to [failure of book]",
  ]);
  expect(told(result)).not.toContain(SECRET);
  expect(failures).not.toHaveLength(0);
  for (const { problem, error } of failures) {
    expect(`${problem} ${String(error)} ${JSON.stringify((error as TerminalError).metadata)}`).not.toContain(SECRET);
  }
});

test("also when the agent around it redacts, and the one that fails does not", async () => {
  const inner = new RestateAgent(
    {
      id: "guide",
      model: scriptedModel([{ toolCalls: [call("book", "a")] }, { toolCalls: [call("reject", "c")] }]),
      tools: { book, reject },
      stopWhen: isStepCount(5),
    },
    { toolErrors: "fail", toolOptions: { book: { onRollback: refuse } } },
  );
  const model = scriptedModel([{ toolCalls: [{ id: "g", name: "ask", input: { prompt: "go" } }] }]);
  const outer = new RestateAgent(
    { id: "travel", model, tools: { ask: agentTool(inner, { onFailure: "fail" }) } },
    { redact },
  );
  const result = await fake(() => outer.generate({ prompt: "go" }));
  expect(errorOf(result).message).toBe(
    "[failure of ask] was refused (rolled back: 0 of 1 undone; not undone: guide undo book a)",
  );
  expect(JSON.stringify(errorOf(result).metadata)).not.toContain(SECRET);
});
