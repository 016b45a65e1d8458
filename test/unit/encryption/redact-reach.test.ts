/** Where texts can hide from redaction. */
import { tool } from "ai";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { redacted, redactedJson } from "../../../src/encryption/redact.ts";
import { type AgentStreamEvent, agentTool, type Redact, RestateAgent, withRestateContext } from "../../../src/index.ts";
import { type FakeResult, runFake, scriptedModel } from "../../../src/testing/in-memory.ts";

const SECRET = "4111 1111";
const redact: Redact = (text) => text.replaceAll(SECRET, "[card]");
const place = { kind: "tool-output" } as const;

const journalOf = ({ journal }: FakeResult<unknown>): string =>
  JSON.stringify(journal.events, (_, value: unknown) =>
    value instanceof Uint8Array ? new TextDecoder().decode(value) : value,
  );

class Row {
  readonly #card = SECRET;
  toJSON(): object {
    return { card: this.#card };
  }
}

/** A run whose tool gives `output`. */
async function runWith(output: () => unknown) {
  const calls = [{ id: "c", name: "look", input: {} }];
  const model = scriptedModel([{ toolCalls: calls }, { text: "ok" }]);
  const tools = { look: tool({ inputSchema: z.object({}), execute: async () => output() }) };
  const agent = new RestateAgent({ id: "a", model, tools }, { redact });
  return runFake((context) => withRestateContext(context, async () => (await agent.generate({ prompt: "go" })).text));
}

describe("what a tool gives has none of it in the journal", () => {
  test.each<[string, () => unknown]>([
    ["a map", () => new Map([["card", SECRET]])],
    ["a key of a map", () => new Map([[SECRET, 1]])],
    ["a set in a list", () => [new Set([SECRET])]],
    ["a URL", () => new URL(`https://shop.test/?card=${encodeURIComponent(SECRET)}`)],
    ["a value that is written by its toJSON()", () => ({ rows: [new Row()] })],
  ])("%s", async (_, output) => {
    const result = await runWith(output);
    expect(result.outcome).toEqual({ ok: true, value: "ok" });
    expect(journalOf(result)).toContain("[card]");
    expect(journalOf(result).replaceAll("%20", " ")).not.toContain("4111");
  });
});

test("what cannot be read ends the call: its effect does not happen again", async () => {
  let effects = 0;
  const { outcome } = await runWith(() => {
    effects += 1;
    return Object.defineProperty({}, "card", {
      enumerable: true,
      get: () => {
        throw new Error(`no ${SECRET}`);
      },
    });
  });
  expect([outcome, effects]).toEqual([{ ok: true, value: "ok" }, 1]);
});

test("what is nested too deeply to be stored is refused, and in JSON seen as one text", () => {
  let deep: unknown = SECRET;
  for (let level = 0; level < 20_000; level++) deep = [deep];
  expect(() => redacted(deep, redact, place)).toThrow("more than 500 levels");
  const json = `${"[".repeat(600)}"${SECRET}"${"]".repeat(600)}`;
  expect(redactedJson(json, redact, place)).toBe(json.replace(SECRET, "[card]"));
});

test("properties of any name stay properties", () => {
  const own = redacted(JSON.parse(`{"__proto__":{"card":"${SECRET}"}}`), redact, place);
  expect(JSON.stringify(own)).toBe('{"__proto__":{"card":"[card]"}}');
  const self: Record<string, unknown> = { toJSON: () => self, card: SECRET };
  expect(redacted(self, redact, place)).toBe(self); // It cannot be stored.
});

test("the text of a structured answer is seen", async () => {
  const json = JSON.stringify({ card: SECRET });
  const plain = scriptedModel([{ text: json }]);
  const model: typeof plain = {
    ...plain,
    doGenerate: async (parameters) => ({ ...(await plain.doGenerate(parameters)), structuredOutputText: json }),
  };
  const agent = new RestateAgent({ id: "a", model }, { redact });
  const result = await runFake((context) =>
    withRestateContext(context, async () => (await agent.generate({ prompt: "go" })).text),
  );
  expect(result.outcome.ok).toBe(true);
  expect(journalOf(result)).toContain("structuredOutputText");
  expect(journalOf(result)).not.toContain("4111");
});

test("the progress of agents in tools is redacted by the agent around them", async () => {
  const calls = [{ id: "c", name: "ask", input: { prompt: "go" } }];
  const child = new RestateAgent({ id: "child", model: scriptedModel([{ text: `it is ${SECRET}` }]) });
  const inner = new RestateAgent({
    id: "inner",
    model: scriptedModel([{ toolCalls: calls }, { text: `indeed ${SECRET}` }]),
    tools: { ask: agentTool(child, { description: "Ask." }) },
  });
  const events: AgentStreamEvent[] = [];
  const agent = new RestateAgent(
    {
      id: "a",
      model: scriptedModel([{ toolCalls: calls }, { text: "ok" }]),
      tools: { ask: agentTool(inner, { description: "Ask." }) },
    },
    { redact, onStreamEvent: (event) => void events.push(structuredClone(event)) },
  );
  const { outcome } = await runFake((context) =>
    withRestateContext(context, async () => (await agent.generate({ prompt: "go" })).text),
  );
  expect(outcome).toEqual({ ok: true, value: "ok" });
  const outputs = JSON.stringify(events.filter(({ type }) => type === "tool-output"));
  for (const kept of ["it is [card]", "indeed [card]"]) expect(outputs).toContain(kept);
  expect(JSON.stringify(events)).not.toContain("4111");
});
