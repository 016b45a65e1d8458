import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { waitUntil } from "../../src/testing/wait.ts";
import { ApprovalsStack, call } from "./approvals-stack.ts";
import { RUNTIMES } from "./lab-stack.ts";

describe.each(RUNTIMES)("approvals on %s", (runtime) => {
  let stack: ApprovalsStack;
  beforeAll(async () => {
    stack = await ApprovalsStack.start(runtime);
  }, 60_000);
  afterAll(() => stack.stop());
  beforeEach(() => stack.reset());

  const one = async (service: string) => {
    const { run, approvals } = await stack.ask(service);
    const [approval] = approvals;
    if (approval === undefined) throw new Error("Nothing was asked");
    return { run, approval, id: approval.id };
  };
  const endOf = async (run: string) => (await stack.restate.attach(run, 30_000)).body;

  test("a tool runs when it was approved, once", async () => {
    stack.calls(call("book", "a"));
    const { run, approval, id } = await one("Desk");
    expect(approval).toMatchObject({
      kind: "approval",
      state: "pending",
      agent: "desk",
      tool: "book",
      toolCallId: "call_a",
      input: { id: "a" },
    });
    expect(stack.effects.count("book")).toBe(0);
    expect((await stack.answer(id, true)).status).toBe(200);
    expect(await endOf(run)).toBe("done");
    expect(stack.effects.count("book")).toBe(1);
    expect(await stack.steps(run)).toEqual([
      "desk model 1",
      "desk approval book call_a",
      "desk tool book call_a",
      "desk model 2",
    ]);
    expect(await stack.get(id)).toMatchObject({ state: "approved", approved: true });
  });

  test("the model is told why a person denied", async () => {
    stack.calls(call("book", "b"), call("look", "b2"));
    const { run, id } = await one("Quiet");
    await waitUntil("The tool that needs nobody did not run", () => stack.effects.count("look") === 1);
    expect((await stack.answer(id, false, "far too expensive")).status).toBe(200);
    expect(await endOf(run)).toBe("done");
    expect(stack.effects.count("book")).toBe(0);
    expect(stack.toldOf("call_b")).toBe("far too expensive");
    expect(await stack.get(id)).toMatchObject({ state: "denied", approved: false, answer: "far too expensive" });
  });
});
