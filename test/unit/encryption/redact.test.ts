import type { LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { tool } from "ai";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { redacted } from "../../../src/encryption/redact.ts";
import {
  type AgentStreamEvent,
  contextTool,
  type Redact,
  RestateAgent,
  TerminalError,
  withRestateContext,
} from "../../../src/index.ts";
import { RecordedSpans } from "../telemetry/recorded-spans.ts";
import { RedactedParts } from "../../../src/model/redact-answer.ts";
import { crashEverywhere, type FakeResult, runFake, scriptedModel } from "../../../src/testing/in-memory.ts";

const SECRET = "4111 1111";
const redact: Redact = (text, { kind, toolName }) => text.replaceAll(SECRET, `[${toolName ?? kind}]`);
const input = z.object({ note: z.string() });

const tools = {
  look: tool({
    inputSchema: input,
    execute: async ({ note }) => ({ note, deep: [{ card: SECRET }], bytes: new Uint8Array(2) }),
  }),
  grow: tool({
    inputSchema: input,
    async *execute() {
      yield `first ${SECRET}`;
      yield `last ${SECRET}`;
    },
  }),
  refuse: tool({
    inputSchema: input,
    execute: (): Promise<string> => Promise.reject(new TerminalError(`no ${SECRET}`, { errorCode: 422 })),
  }),
  drive: contextTool({ inputSchema: input, execute: async () => `driven ${SECRET}` }),
};

const call = (name: string) => ({ id: `call_${name}`, name, input: { note: `of ${SECRET}` } });
const script = [
  { text: `I see ${SECRET}`, toolCalls: [call("look"), call("grow"), call("refuse"), call("drive")] },
  { reasoning: `thinking of ${SECRET}`, text: `done ${SECRET}` },
];

async function run(options: { readonly live?: boolean; readonly redact?: Redact } = {}) {
  const events: AgentStreamEvent[] = [];
  const model = scriptedModel(script);
  const agent = new RestateAgent(
    { id: "a", model, tools },
    {
      ...(options.live === true ? { onStreamEvent: (event: AgentStreamEvent) => void events.push(event) } : {}),
      redact: options.redact ?? redact,
    },
  );
  const body = async () => {
    const { text, reasoningText, steps } = await agent.generate({ prompt: `my card is ${SECRET}` });
    return { text, reasoningText, steps: JSON.stringify(steps.map(({ content }) => content)) };
  };
  const handler = () => runFake((context) => withRestateContext(context, body));
  const result: FakeResult<Awaited<ReturnType<typeof body>>> = await handler();
  return { ...result, events, model, body };
}

const journalOf = ({ journal }: { readonly journal: FakeResult<unknown>["journal"] }): string =>
  JSON.stringify(journal.events, (_, value: unknown) =>
    value instanceof Uint8Array ? new TextDecoder().decode(value) : value,
  );

describe.each([{ live: false }, { live: true }])("redaction, live parts: $live", ({ live }) => {
  test("the journal, the result and what is told live have none of it; the model sees what was kept", async () => {
    const { outcome, journal, events, model } = await run({ live });
    if (!outcome.ok) throw outcome.error;
    expect(outcome.value).toMatchObject({ text: "done [model]", reasoningText: "thinking of [model]" });
    expect(journalOf({ journal })).toContain("[look]");
    expect(journalOf({ journal })).not.toContain("4111");
    expect(outcome.value.steps).not.toContain("4111");
    expect(JSON.stringify(events)).not.toContain("4111");
    if (live) expect(JSON.stringify(events)).toContain("first [grow]");
    const [, second] = model.calls;
    const prompt = JSON.stringify(second?.prompt);
    // The user's own words are the app's to redact before it calls.
    expect(prompt.match(/4111/g)).toHaveLength(1);
    for (const kept of ["I see [model]", "of [look]", "[look]", "last [grow]", "no [refuse]", "driven [drive]"]) {
      expect(prompt).toContain(kept);
    }
  });
});

test("without it everything is as it was", async () => {
  const { outcome, journal } = await run({ redact: (text) => text });
  expect(outcome).toMatchObject({ value: { text: `done ${SECRET}` } });
  const plain = await runFake((context) =>
    withRestateContext(context, async () => {
      const agent = new RestateAgent({ id: "a", model: scriptedModel(script), tools });
      return (await agent.generate({ prompt: `my card is ${SECRET}` })).text;
    }),
  );
  expect(journal.commands).toEqual(plain.journal.commands);
  // Durations differ.
  const stored = (one: Parameters<typeof journalOf>[0]): string => journalOf(one).replaceAll(/\d+/g, "n");
  expect(stored({ journal })).toEqual(stored(plain));
});

test("wherever the process dies, the answer is the same, and the function is not asked again for what is stored", async () => {
  let asked = 0;
  const counting: Redact = (text, place) => {
    if (place.kind === "model") asked += 1;
    return redact(text, place);
  };
  const body = async () => {
    const agent = new RestateAgent({ id: "a", model: scriptedModel(script), tools }, { redact: counting });
    return (await agent.generate({ prompt: "go" })).text;
  };
  const whole = await runFake((context) => withRestateContext(context, body));
  asked = 0;
  const again = await runFake((context) => withRestateContext(context, body), { journal: whole.journal });
  expect([asked, again.outcome]).toEqual([0, whole.outcome]);
  const crashes = await crashEverywhere((context) => withRestateContext(context, body));
  expect(JSON.stringify(crashes)).not.toContain(`done ${SECRET}`);
});

test("a provider's failure is redacted, and stays what it was", async () => {
  const agent = new RestateAgent(
    {
      id: "a",
      model: scriptedModel(() => {
        throw new TerminalError(`refused: ${SECRET}`, { errorCode: 400 });
      }),
    },
    { redact },
  );
  const body = async () => (await agent.generate({ prompt: "go" })).text;
  const { outcome, journal } = await runFake((context) => withRestateContext(context, body));
  expect(outcome).toMatchObject({ ok: false, error: { message: "refused: [failure]", code: 400 } });
  expect(journalOf({ journal })).not.toContain("4111");
});

test("texts at any depth are seen, and values that contain themselves end", () => {
  const list: unknown[] = ["a"];
  list.push(list, { b: "c", date: new Date(0) });
  const seen: string[] = [];
  const own = redacted(list, (text) => (seen.push(text), text.toUpperCase()), { kind: "tool-output" });
  expect(seen).toEqual(["a", "c"]);
  expect((own as unknown[])[1]).toBe(own);
  expect((own as unknown[])[2]).toEqual({ b: "C", date: new Date(0) });
});

test("live text is held back to the end of its block: a secret may come in pieces", () => {
  const parts = new RedactedParts(redact);
  const see = (part: LanguageModelV4StreamPart) => parts.see(part);
  const delta = (id: string, text: string) => ({ type: "text-delta", id, delta: text }) as const;
  expect(see({ type: "text-start", id: "1" })).toEqual([{ type: "text-start", id: "1" }]);
  expect(see(delta("1", "card 41"))).toEqual([]);
  expect(see({ type: "text-start", id: "2" })).toHaveLength(1);
  expect(see(delta("2", "other"))).toEqual([]);
  expect(see(delta("1", "11 1111"))).toEqual([]);
  const end = { type: "text-end", id: "1" } as const;
  expect(see(end)).toEqual([delta("1", "card [model]"), end]);
  expect(see({ type: "tool-input-delta", id: "c", delta: SECRET })).toEqual([]);
  expect(see({ type: "raw", rawValue: SECRET })).toEqual([]);
  const call = { type: "tool-call", toolCallId: "c", toolName: "look", input: `{"a":"${SECRET}"}` } as const;
  expect(see(call)).toEqual([{ ...call, input: '{"a":"[look]"}' }]);
  // An answer that ends where it is.
  expect(parts.rest()).toEqual([delta("2", "other")]);
  expect(parts.rest()).toEqual([]);
});

test("traces have none of it, the prompt included", async () => {
  const recorded = new RecordedSpans();
  const model = scriptedModel(script);
  const telemetry = { isEnabled: true, recordInputs: true, recordOutputs: true };
  const agent = new RestateAgent({ id: "a", model, tools, telemetry }, { redact });
  const body = async () => (await agent.generate({ prompt: `my card is ${SECRET}` })).text;
  await recorded.during(() => runFake((context) => withRestateContext(context, body)));
  const spans = JSON.stringify(recorded.spans);
  for (const kept of ["my card is [trace]", "done [model]", "driven [drive]", "of [look]"])
    expect(spans).toContain(kept);
  expect(spans).not.toContain("4111");
});
