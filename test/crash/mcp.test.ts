/**
 * The Worker dies before, during and after each request to an MCP server. Effects are counted at the server, by the
 * idempotency key that each call carries.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { McpStack, toolCall } from "../mcp/mcp-stack.ts";
import { type ScriptedCall, text } from "../mcp/scripted-mcp.ts";

const RUN_TIMEOUT_MS = 60_000;
const HINT = { readOnlyHint: true };

let stack: McpStack;

beforeAll(async () => {
  stack = await McpStack.start("workerd");
}, 120_000);
afterAll(() => stack.stop());
beforeEach(() => stack.reset());

interface Moment {
  /** What comes to the server: its method, and how often it came before. */
  readonly at: string;
  readonly n?: number;
  /** `before`: the server does nothing. `during`: it has done it, and does not answer. `after`: it answers. */
  readonly when: "before" | "during" | "after";
}

const MOMENTS: readonly Moment[] = [
  { at: "initialize", when: "before" },
  { at: "tools/list", when: "before" },
  { at: "tools/list", when: "after" },
  ...["tools/call book", "tools/call look"].flatMap((at) =>
    (["before", "during", "after"] as const).flatMap((when) => [0, 1].map((n) => ({ at, n, when }))),
  ),
];

interface Outcome {
  /** Effects of each key: how often. */
  readonly effects: ReadonlyMap<string, number>;
  /** Keys of calls that had been made when the Worker died. */
  readonly before: readonly string[];
  readonly lists: number;
  readonly steps: readonly string[];
}

/** Two rounds of a call with an effect and one without; the Worker dies once, at this moment. */
async function runThrough({ at, n = 0, when }: Moment): Promise<Outcome> {
  const { promise: reached, resolve } = Promise.withResolvers<void>();
  const { promise: revived, resolve: go } = Promise.withResolvers<void>();
  let isDead = false;
  const strike = async (): Promise<void> => {
    if (isDead) return;
    isDead = true;
    resolve();
    await revived;
  };
  const seen = new Map<string, number>();
  stack.scripted.trouble = (method) => {
    const count = seen.get(method) ?? 0;
    seen.set(method, count + 1);
    if (isDead || method !== at || count !== n) return undefined;
    if (when === "before") {
      void strike();
      return "hang";
    }
    if (when === "after" || !method.startsWith("tools/call")) setTimeout(() => void strike(), 30);
    return undefined;
  };
  const tool = async (call: ScriptedCall): Promise<unknown> => {
    if (when === "during" && at === `tools/call ${call.name}` && call.n === n) await strike();
    return text(`${call.name} ${String(call.input["id"])}`);
  };
  stack.scripted.tools = { book: { call: tool }, look: { call: tool, annotations: HINT } };
  stack.turns(
    { toolCalls: [toolCall("b1", "book", { id: "b1" }), toolCall("l1", "look", { id: "l1" })] },
    { toolCalls: [toolCall("b2", "book", { id: "b2" }), toolCall("l2", "look", { id: "l2" })] },
    { text: "done" },
  );
  const id = await stack.restate.send("Clerk/run", "Go");
  await reached;
  await stack.endpoint.kill();
  const before = stack.scripted.effects.map(keyOf);
  await stack.endpoint.start();
  go();
  expect(await stack.restate.attach(id, RUN_TIMEOUT_MS)).toMatchObject({ status: 200, body: "done" });
  const effects = new Map<string, number>();
  for (const effect of stack.scripted.effects) effects.set(keyOf(effect), (effects.get(keyOf(effect)) ?? 0) + 1);
  const lists = stack.scripted.requests.filter((method) => method === "tools/list").length;
  return { effects, before, lists, steps: await stack.steps(id) };
}

const keyOf = ({ name, input, idempotencyKey }: ScriptedCall): string =>
  `${name} ${String(input["id"])} ${String(idempotencyKey)}`;

test.each(MOMENTS)(
  "the Worker dies $when $at ($n)",
  async (moment) => {
    const { effects, before, lists, steps } = await runThrough(moment);
    // Each call has one key, whoever repeated it.
    expect([...effects.keys()].map((key) => key.split(" ").slice(0, 2).join(" ")).sort()).toEqual([
      "book b1",
      "book b2",
      "look l1",
      "look l2",
    ]);
    expect(steps.toSorted()).toEqual([
      "clerk mcp scripted list",
      "clerk model 1",
      "clerk model 2",
      "clerk model 3",
      "clerk tool book b1",
      "clerk tool book b2",
      "clerk tool look l1",
      "clerk tool look l2",
    ]);
    // Only what was under way is done again: a round begins when the one before is durable (G4).
    const repeated = [...effects].filter(([, count]) => count > 1).map(([key]) => key);
    for (const key of repeated) expect(before).toContain(key);
    const isSecondRound = moment.at.startsWith("tools/call") && (moment.n ?? 0) === 1;
    if (isSecondRound && moment.at.endsWith("book"))
      expect(repeated.some((key) => key.startsWith("book b1"))).toBe(false);
    if (moment.when === "before" && moment.at.endsWith("book")) {
      expect(repeated.some((key) => key.startsWith("book"))).toBe(false);
    }
    expect(lists).toBeLessThanOrEqual(2);
    if (moment.at.startsWith("tools/call book")) expect(lists).toBe(1);
  },
  RUN_TIMEOUT_MS * 2,
);
