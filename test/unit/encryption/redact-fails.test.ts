/** A `redact` that throws: no text passes unseen, and nothing is done twice. */
import { tool } from "ai";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  type AgentStreamEvent,
  contextTool,
  type Redact,
  RedactionFailedError,
  RestateAgent,
  type RestateAgentOptions,
  TerminalError,
  withRestateContext,
} from "../../../src/index.ts";
import { type FakeResult, runFake, scriptedModel } from "../../../src/testing/in-memory.ts";
import type { ScriptedReply } from "../../../src/testing/scripted-reply.ts";
import { RecordedSpans } from "../telemetry/recorded-spans.ts";

const SECRET = "4111 1111";
const inputSchema = z.object({});

/** Quotes what it was given, as a parser does. */
const failing =
  (kind: Parameters<Redact>[1]["kind"]): Redact =>
  (text, place) => {
    if (place.kind === kind) throw new TypeError(`cannot read ${text}`);
    return text;
  };

const journalOf = ({ journal }: FakeResult<unknown>): string =>
  JSON.stringify(journal.events, (_, value: unknown) =>
    value instanceof Uint8Array ? new TextDecoder().decode(value) : value,
  );

/** A run that charges a card, with its effects counted. */
async function runWith(own: {
  readonly options: RestateAgentOptions;
  readonly fails?: () => Error;
  readonly answers?: readonly ScriptedReply[];
}) {
  const effects: string[] = [];
  const charge = (): string => {
    effects.push("charged");
    if (own.fails !== undefined) throw own.fails();
    return `card ${SECRET}`;
  };
  const tools = {
    charge: tool({ inputSchema, execute: async () => charge() }),
    grow: tool({
      inputSchema,
      async *execute() {
        yield charge();
        yield "done";
      },
    }),
    drive: contextTool({ inputSchema, execute: async () => `driven ${SECRET}` }),
  };
  const calling = (name: string) => ({ toolCalls: [{ id: "c", name, input: {} }] });
  const model = scriptedModel(own.answers ?? [calling("charge"), { text: "ok" }]);
  const agent = new RestateAgent({ id: "a", model, tools }, own.options);
  const body = async () => (await agent.generate({ prompt: "go" })).text;
  const result = await runFake((context) => withRestateContext(context, body), { maxFailures: 5 });
  return { ...result, effects, model, prompt: JSON.stringify(model.calls.at(-1)?.prompt), body };
}

const toolCall = (name: string): readonly ScriptedReply[] => [
  { toolCalls: [{ id: "c", name, input: {} }] },
  { text: "ok" },
];

describe("what a tool gives cannot be redacted", () => {
  test.each(["charge", "grow", "drive"])("%s is called once; the model is told, and told no secret", async (name) => {
    const result = await runWith({ options: { redact: failing("tool-output") }, answers: toolCall(name) });
    expect(result.outcome).toEqual({ ok: true, value: "ok" });
    expect(result.effects).toHaveLength(name === "drive" ? 0 : 1);
    expect(result.prompt).toContain(`Cannot redact what tool ${name} gave: the agent's redact threw TypeError`);
    expect(result.prompt + journalOf(result)).not.toContain("4111");
    const again = await runFake((context) => withRestateContext(context, result.body), { journal: result.journal });
    expect(again.outcome).toEqual(result.outcome);
    expect(result.effects).toHaveLength(name === "drive" ? 0 : 1);
  });

  test("a call whose first preliminary output fails is not begun again", async () => {
    const events: AgentStreamEvent[] = [];
    const options = {
      redact: failing("tool-output"),
      onStreamEvent: (event: AgentStreamEvent) => void events.push(event),
    };
    const { outcome, effects } = await runWith({ options, answers: toolCall("grow") });
    expect([outcome, effects]).toEqual([{ ok: true, value: "ok" }, ["charged"]]);
    expect(JSON.stringify(events)).not.toContain("4111");
  });

  test("with `toolErrors: fail` the run ends, with the code", async () => {
    const { outcome, effects } = await runWith({ options: { redact: failing("tool-output"), toolErrors: "fail" } });
    if (outcome.ok) throw new Error("It did not fail");
    expect(RedactionFailedError.isInstance(outcome.error)).toBe(true);
    expect([outcome.error, effects]).toMatchObject([{ errorCode: "redaction-failed" }, ["charged"]]);
  });

  test("it can be undone: nobody knows what it gave", async () => {
    const undone: string[] = [];
    const onRollback = (): Promise<void> => Promise.reject(new Error("Its output is not known"));
    const onRollbackUncertain = async ({ outcome }: { readonly outcome: string }): Promise<void> =>
      void undone.push(outcome);
    const options: RestateAgentOptions = {
      redact: failing("tool-output"),
      toolErrors: "fail",
      toolOptions: { charge: { onRollback, onRollbackUncertain } },
    };
    const { outcome, effects } = await runWith({ options });
    expect([outcome.ok, effects, undone]).toEqual([false, ["charged"], ["failed"]]);
  });

  test("what is no text is refused as well", async () => {
    const options = { redact: (() => undefined) as unknown as Redact };
    const { outcome, model } = await runWith({ options, answers: [{ text: SECRET }] });
    expect(outcome).toMatchObject({ ok: false, error: { errorCode: "redaction-failed" } });
    expect(String(outcome.ok || outcome.error)).toContain("gave no text");
    expect(model.calls).toHaveLength(1);
  });
});

describe.each([{ live: false }, { live: true }])(
  "what a model says cannot be redacted, live parts: $live",
  ({ live }) => {
    const watched = live ? { onStreamEvent: () => undefined } : {};

    test.each([
      ["model", "what the model said", [{ text: SECRET }]],
      [
        "tool-input",
        "the input of tool charge",
        [{ toolCalls: [{ id: "c", name: "charge", input: { card: SECRET } }] }],
      ],
    ] as const)("%s: it is asked once, and the run ends", async (kind, what, answers) => {
      const result = await runWith({ options: { redact: failing(kind), ...watched }, answers });
      expect(result.outcome).toMatchObject({
        ok: false,
        error: { errorCode: "redaction-failed", fields: { what, problem: "threw TypeError" } },
      });
      expect([result.model.calls.length, result.effects]).toEqual([1, []]);
      expect(journalOf(result)).not.toContain("4111");
    });
  },
);

test("a `TerminalError` is the app's own word", async () => {
  const redact: Redact = (text, { kind }) => {
    if (kind === "tool-output") throw new TerminalError("not for models", { errorCode: 451 });
    return text;
  };
  const { prompt, effects } = await runWith({ options: { redact } });
  expect(prompt).toContain("not for models");
  expect(effects).toEqual(["charged"]);
});

describe("of a failure the text alone is left out", () => {
  const redact = failing("failure");

  test("one that passes is retried as it would be", async () => {
    let n = 0;
    const fails = (): Error => (n++ < 2 ? new Error(`busy: ${SECRET}`) : new TerminalError(`refused: ${SECRET}`));
    const result = await runWith({ options: { redact }, fails });
    expect(result.outcome).toEqual({ ok: true, value: "ok" });
    expect(result.effects).toHaveLength(3);
    expect(result.prompt).toContain("[withheld: redact failed]");
    expect(result.prompt + journalOf(result)).not.toContain("4111");
  });

  test("a terminal one keeps its code", async () => {
    const fails = (): Error => new TerminalError(`refused: ${SECRET}`, { errorCode: 422 });
    const { outcome, effects } = await runWith({ options: { redact, toolErrors: "fail" }, fails });
    expect(outcome).toMatchObject({ ok: false, error: { message: "[withheld: redact failed]", code: 422 } });
    expect(effects).toHaveLength(1);
  });
});

test("a trace costs no step", async () => {
  const recorded = new RecordedSpans();
  const model = scriptedModel([{ text: "ok" }]);
  const telemetry = { isEnabled: true, recordInputs: true, recordOutputs: true };
  const agent = new RestateAgent({ id: "a", model, telemetry }, { redact: failing("trace") });
  const body = async () => (await agent.generate({ prompt: `card ${SECRET}` })).text;
  const { outcome } = await recorded.during(() => runFake((context) => withRestateContext(context, body)));
  expect([outcome, model.calls.length]).toEqual([{ ok: true, value: "ok" }, 1]);
  const spans = JSON.stringify(recorded.spans);
  expect(spans).toContain("[withheld: redact failed]");
  expect(spans).not.toContain("4111");
});
