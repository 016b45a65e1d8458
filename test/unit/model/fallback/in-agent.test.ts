/** A fallback model in an agent: one step, whatever was tried. */
import { APICallError, type LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { isStepCount, tool } from "ai";
import { expect, test } from "vitest";
import { z } from "zod";
import { fallbackModel, RestateAgent, withRestateContext } from "../../../../src/index.ts";
import { crashEverywhere, runFake, scriptedModel } from "../../../../src/testing/in-memory.ts";
import { RecordedSpans } from "../../telemetry/recorded-spans.ts";

function overloaded(): ReturnType<typeof scriptedModel> {
  return {
    ...scriptedModel(() => {
      throw new APICallError({ message: "overloaded", url: "https://a.test", requestBodyValues: {}, statusCode: 529 });
    }),
    provider: "one.chat",
    modelId: "one-1",
  };
}

function agent(stream: boolean): { readonly run: () => Promise<string>; readonly calls: () => number } {
  const answering = scriptedModel([{ toolCalls: [{ id: "call-1", name: "look", input: {} }] }, { text: "found it" }]);
  const model = fallbackModel([overloaded(), { ...answering, provider: "two.chat", modelId: "two-1" }]);
  const look = tool({ inputSchema: z.object({}), execute: async () => "seen" });
  const finder = new RestateAgent({ id: "finder", model, tools: { look }, stopWhen: isStepCount(5) });
  const generate = async (): Promise<string> => (await finder.generate({ prompt: "Where?" })).text;
  const streamed = async (): Promise<string> => (await finder.stream({ prompt: "Where?" })).text;
  return { run: stream ? streamed : generate, calls: () => answering.calls.length };
}

test.each([false, true])(
  "a run has the steps that it has without one, wherever it dies (streamed: %s)",
  async (stream) => {
    const { whole, crashed } = await crashEverywhere((context) => withRestateContext(context, agent(stream).run));
    const commands = ["run finder model 1", "run finder tool look call-1", "run finder model 2"];
    for (const { outcome, journal } of [whole, ...crashed]) {
      expect(outcome).toEqual({ ok: true, value: "found it" });
      expect(journal.commands).toEqual(commands);
    }
  },
);

test("its span tells who has answered and who failed before", async () => {
  const recorded = new RecordedSpans();
  await recorded.during(() => runFake((context) => withRestateContext(context, agent(false).run)));
  const spans = recorded.named("chat one-1");
  expect(spans.length).toBe(2);
  for (const { attributes } of spans) {
    expect(attributes).toMatchObject({ "gen_ai.request.model": "one-1", "gen_ai.provider.name": "two" });
    expect(attributes["restate.model.tried"]).toEqual([expect.stringMatching(/^one\.chat one-1: 529 after \d+ ms$/)]);
  }
});

test("whoever watches sees the parts of the model that answers, and a reset when an answer breaks off", async () => {
  const events: string[] = [];
  let breaks = 1;
  const brittle = scriptedModel([{ text: "half an answer" }]);
  const breaking: typeof brittle = {
    ...brittle,
    doStream: async (parameters) => {
      const { stream } = await brittle.doStream(parameters);
      const cut = new TransformStream<LanguageModelV4StreamPart, LanguageModelV4StreamPart>({
        transform: (part, controller) => {
          if (part.type === "text-end" && breaks-- > 0) controller.error(new Error("connection reset"));
          else controller.enqueue(part);
        },
      });
      return { stream: stream.pipeThrough(cut) };
    },
  };
  const finder = new RestateAgent(
    { id: "finder", model: fallbackModel([overloaded(), breaking]) },
    {
      onStreamEvent: (event) => {
        if (event.type === "reset") events.push("reset");
        if (event.type === "part" && event.part.type === "text-delta") events.push(event.part.delta);
      },
    },
  );
  const { outcome, executions } = await runFake((context) =>
    withRestateContext(context, async () => (await finder.generate({ prompt: "Where?" })).text),
  );
  expect(outcome).toEqual({ ok: true, value: "half an answer" });
  expect(events.filter((event) => event === "reset").length).toBe(2);
  expect(events.slice(events.lastIndexOf("reset") + 1).join("")).toBe("half an answer");
  expect([...executions]).toEqual([["finder model 1", 2]]);
});
