/** What agents that run elsewhere report, put together as the outermost call shows it. */
import { isToolUIPart, type UIMessage } from "ai";
import { expect, test } from "vitest";
import { type ProgressNodes, shownOf, withReport } from "../../../src/stream/progress-nodes.ts";
import type { CallPath } from "../../../src/stream/reader-address.ts";

const at = (...calls: string[]): CallPath => calls.map((call) => ({ call, n: 1 }));
const text = (said: string): UIMessage["parts"][number] => ({ type: "text", text: said, state: "done" });
const waiting = (toolCallId: string): UIMessage["parts"][number] =>
  ({ type: "tool-ask", toolCallId, state: "input-available", input: {} }) as const;
const ended = (toolCallId: string): UIMessage["parts"][number] =>
  ({ type: "tool-ask", toolCallId, state: "output-available", input: {}, output: "the answer" }) as const;
const message = (id: string, ...parts: UIMessage["parts"]): UIMessage => ({ id, role: "assistant", parts });
const report = (...all: readonly (readonly [CallPath, UIMessage])[]): ProgressNodes =>
  all.reduce<ProgressNodes>((nodes, [path, said]) => withReport(nodes, path, said), {});
const outputs = (shown: UIMessage | undefined): unknown[] =>
  (shown?.parts ?? []).filter(isToolUIPart).map(({ output }) => output);

test("a child shows in the call, a grandchild in the child's message, both of several at once", () => {
  const child = message("child", text("I ask two."), waiting("l"), waiting("r"));
  const nodes = report(
    [at("c"), child],
    [at("c", "l"), message("left", text("left so far"))],
    [at("c", "r"), message("right", text("right so far"))],
  );
  const shown = shownOf(nodes, at("c", "r"));
  expect(shown).toMatchObject({ id: "child" });
  expect(shown?.parts[0]).toEqual(text("I ask two."));
  expect(outputs(shown)).toEqual([message("left", text("left so far")), message("right", text("right so far"))]);
  expect(shown?.parts.filter(isToolUIPart)).toMatchObject([
    { state: "output-available", preliminary: true },
    { state: "output-available", preliminary: true },
  ]);
});

test("a call that has ended shows its output, whatever is reported late", () => {
  const nodes = report([at("c", "l"), message("left", text("so far"))], [at("c"), message("child", ended("l"))]);
  expect(outputs(shownOf(nodes, at("c", "l")))).toEqual(["the answer"]);
});

test("several agents of one call show one after the other, in the order in which they were called", () => {
  const nodes = report(
    [[{ call: "c", n: 2 }], message("second", text("two"))],
    [[{ call: "c", n: 1 }], message("first", text("one"))],
  );
  expect(shownOf(nodes, at("c"))).toEqual(message("first", text("one"), text("two")));
});

test("of who has not reported shows what was called inside; another call shows nothing of it", () => {
  const nodes = report([at("c", "l"), message("left", text("so far"))]);
  expect(shownOf(nodes, at("c", "l"))?.parts).toEqual([text("so far")]);
  expect(shownOf(nodes, at("d"))).toBeUndefined();
});

test("what was reported first goes first when it is too much", () => {
  const long = (id: string) => message(id, text("x".repeat(60_000)));
  const many = Array.from({ length: 6 }, (_, n) => [at("c", `l${n}`), long(`m${n}`)] as const);
  const kept = Object.values(report(...many));
  expect(kept.length).toBe(4);
  expect(kept.at(-1)?.id).toBe("m5");
});
