import { describe, expect, test } from "vitest";
import { answerTo, promptOf, shapeOf, STREAMED } from "../../../bench/prompt.ts";
import { WORKLOADS } from "../../../bench/workloads.ts";

const SHAPE = { steps: 3, parallel: 2, toolMs: 20, resultBytes: 100 };
const question = (text: string) => ({ role: "user", content: [{ type: "input_text", text }] });
const output = (n: number) => ({ type: "function_call_output", call_id: `call_${n}`, output: "x" });
const idsOf = (conversation: Parameters<typeof answerTo>[0]) => answerTo(conversation).toolCalls?.map(({ id }) => id);

test("a prompt carries a shape without its name", () => {
  expect(promptOf({ name: "any", readOnly: true, ...SHAPE } as typeof SHAPE)).toBe(
    'bench {"steps":3,"parallel":2,"toolMs":20,"resultBytes":100}',
  );
});

test("every workload's shape survives its prompt", () => {
  for (const { shape } of WORKLOADS) expect(shape).toMatchObject(shapeOf(promptOf(shape)));
});

test("a prompt without a whole shape is refused", () => {
  expect(() => shapeOf("hello")).toThrow("Cannot find a shape");
  expect(() => shapeOf('bench {"steps":1,"parallel":1,"toolMs":0}')).toThrow("Cannot read the shape");
});

describe("the scripted model", () => {
  test("asks for the first tools when nothing has been answered", () => {
    expect(answerTo([question(promptOf(SHAPE))]).toolCalls).toEqual([
      { id: "call_0", name: "work", input: { n: 0, ms: 20, bytes: 100 } },
      { id: "call_1", name: "work", input: { n: 1, ms: 20, bytes: 100 } },
    ]);
  });

  test("goes on after the last answered tool call", () => {
    expect(idsOf([question(promptOf(SHAPE)), output(0), output(1)])).toEqual(["call_2", "call_3"]);
  });

  test("goes on where it was when the beginning of the conversation was dropped", () => {
    expect(idsOf([question(promptOf(SHAPE)), output(2), output(3)])).toEqual(["call_4", "call_5"]);
  });

  test("says done when all tools of all steps have answered", () => {
    expect(answerTo([question(promptOf(SHAPE)), output(4), output(5)])).toEqual({ text: "done" });
  });

  test("says done at once when there are no steps", () => {
    expect(answerTo([question(promptOf({ ...SHAPE, steps: 0 }))])).toEqual({ text: "done" });
  });

  test("understands a question that is a plain string", () => {
    expect(idsOf([{ role: "user", content: promptOf(SHAPE) }])).toEqual(["call_0", "call_1"]);
  });

  test("streams slowly when asked for a stream", () => {
    expect(answerTo([question(STREAMED)])).toMatchObject({ chunkDelayMs: 20 });
  });
});
