/** Undoing on a real restate-server: the process dies in each of its steps and between any two of them. */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { AdminClient } from "../../src/admin/index.ts";
import { shareOf } from "../thorough.ts";
import { normalDelay, RollbackStack } from "./rollback-stack.ts";

const ORDER = ["c", "e", "d", "b", "a"];
const TIMEOUT_MS = 120_000;
/** A run of the tests does each tenth moment. */
const NTH = 10;

describe.each(["workerd", "deno"] as const)("on %s", (runtime) => {
  let stack: RollbackStack;
  let runs = 0;

  beforeAll(async () => {
    stack = await RollbackStack.start(runtime);
  }, 90_000);
  afterAll(() => stack.stop());
  afterEach(() => {
    stack.refuse = () => undefined;
    stack.delayOf = normalDelay;
  });
  const newRun = (): string => `r${(runs += 1)}`;

  test.each(["run", "stream"])("%s: a run that fails is undone in reverse order, each once", async (handler) => {
    const run = newRun();
    const id = await stack.send(`Rollback/${handler}`, "fails", run);
    expect(await stack.restate.attach(id, TIMEOUT_MS)).toMatchObject({
      status: 402,
      body: { code: 402, message: "card refused (rolled back: 5 of 5 undone)" },
    });
    expect(stack.made(run, "undo")).toEqual(ORDER);
    const admin = new AdminClient({ url: stack.restate.adminUrl });
    const { steps } = await admin.invocations.timeline(id);
    const undone = steps.filter(({ kind }) => kind === "undo");
    expect(undone.map(({ name, tool }) => [name.replaceAll(run, "r"), tool])).toEqual([
      ["travel undo book call-r-c", "book"],
      ["travel rollback release the car", undefined],
      ["guide undo book call-r-d", "book"],
      ["travel undo book call-r-b", "book"],
      ["travel undo book call-r-a", "book"],
    ]);
    expect(undone.every(({ status }) => status === "completed")).toBe(true);
  });

  test("a handler that fails after its runs undoes them", async () => {
    const run = newRun();
    const id = await stack.send("Rollback/handler", "well", run);
    const { status, body } = await stack.restate.attach(id, TIMEOUT_MS);
    expect([status, (body as { message: string }).message]).toEqual([402, "card refused (rolled back: 3 of 3 undone)"]);
    expect(stack.made(run, "undo")).toEqual(["c", "b", "a"]);
  });

  const moments = ["fails", "waits"].flatMap((kind) =>
    ORDER.flatMap((_, n) => (["asked", "made", "durable"] as const).map((moment) => ({ kind, n: n + 1, moment }))),
  );
  test.each(shareOf(moments, NTH, `rollback on ${runtime}`))(
    "$kind: dies when undoing $n is $moment",
    { timeout: TIMEOUT_MS },
    async ({ kind, n, moment }) => {
      const run = newRun();
      const id = await stack.send("Rollback/run", kind, run);
      if (kind === "waits") {
        await stack.waiting(run);
        await stack.restate.cancel(id);
      }
      await stack.undoing(run, n, moment === "asked" ? "asked" : "made");
      while (moment === "durable" && (await stack.durable(id, run)).length < n) await delay(5);
      await stack.endpoint.kill();
      const durable = await stack.durable(id, run);
      const before = stack.asked(run);
      await stack.endpoint.start();
      const { status, body } = await stack.restate.attach(id, TIMEOUT_MS);
      const message = `${kind === "fails" ? "card refused" : "Cancelled"} (rolled back: 5 of 5 undone)`;
      expect([status, (body as { message: string }).message]).toEqual([kind === "fails" ? 402 : 409, message]);
      const undone = stack.made(run, "undo");
      expect([...new Set(undone)]).toEqual(ORDER);
      for (const key of ORDER) {
        const count = undone.filter((one) => one === key).length;
        const earlier = before.get(key) ?? 0;
        // What was durable never happened again; what was under way, or not acknowledged, at most once more.
        if (durable.includes(key)) expect(count, `${key} was durable`).toBe(earlier);
        else expect(count, key).toBeLessThanOrEqual(earlier + 1);
      }
      expect(undone.length).toBeLessThanOrEqual(ORDER.length + 1);
      expect(stack.made(run, "undo-unknown")).toEqual([]);
    },
  );

  test.each(["chain", "chain-waits"])(
    "%s: a run in several invocations is undone by all of them, the last one first",
    async (kind) => {
      const run = newRun();
      const id = await stack.send("Chained/run", kind, run);
      if (kind === "chain-waits") {
        await stack.waiting(run, "e");
        await stack.restate.cancel(id);
      }
      await stack.undoing(run, 2, "made");
      await stack.endpoint.restart();
      const { status, body } = await stack.restate.attach(id, TIMEOUT_MS);
      const [code, message] = kind === "chain" ? [402, "card refused"] : [409, "Cancelled"];
      expect([status, (body as { message: string }).message]).toEqual([
        code,
        `${message} (rolled back: 5 of 5 undone)`,
      ]);
      const undone = stack.made(run, "undo");
      expect([...new Set(undone)]).toEqual(["e", "d", "c", "b", "a"]);
      expect(undone.length).toBeLessThanOrEqual(6);
    },
  );

  test.each([1, 2])("a run whose segment is killed when undoing %s begins: the others undo, each once", async (n) => {
    const run = newRun();
    const id = await stack.send("Chained/run", "chain", run);
    await stack.undoing(run, n, "asked");
    const segments = await stack.segments(id);
    expect(segments).toHaveLength(3);
    await stack.restate.killInvocation(segments[n === 1 ? 2 : 1] ?? "");
    const { status, body } = await stack.restate.attach(id, TIMEOUT_MS);
    const { message } = body as { message: string };
    expect([status, message]).toEqual([409, `killed (rolled back: ${n === 1 ? "4 of 4" : "2 of 2"} undone)`]);
    // What the killed one was undoing may have happened or not; what it had not begun it leaves.
    const others = n === 1 ? ["d", "c", "b", "a"] : ["e", "b", "a"];
    expect(stack.made(run, "undo").filter((key) => key !== (n === 1 ? "e" : "d"))).toEqual(others);
  });

  test("cancelled again while it undoes, it undoes all, once", async () => {
    const run = newRun();
    const id = await stack.send("Rollback/run", "waits", run);
    await stack.waiting(run);
    await stack.restate.cancel(id);
    for (const n of [1, 2, 4]) {
      await stack.undoing(run, n, "asked");
      await stack.restate.cancel(id);
    }
    const { status, body } = await stack.restate.attach(id, TIMEOUT_MS);
    expect([status, (body as { message: string }).message]).toEqual([409, "Cancelled (rolled back: 5 of 5 undone)"]);
    expect(stack.made(run, "undo")).toEqual(ORDER);
  });

  test("a booking that is under way when its run is cancelled is undone too", async () => {
    const run = newRun();
    stack.delayOf = (effect) => (effect.key.endsWith("-slow") && effect.name === "book" ? 1_500 : 5);
    const id = await stack.send("Rollback/run", "slow", run);
    await stack.effects.waitFor((effects) => effects.some(({ key }) => key === `${run}-slow`), 60_000);
    await stack.restate.cancel(id);
    const { status, body } = await stack.restate.attach(id, TIMEOUT_MS);
    expect([status, (body as { message: string }).message]).toEqual([409, "Cancelled (rolled back: 2 of 2 undone)"]);
    // On Workers the step comes to its end; on Deno its request is aborted at once, and nobody knows.
    const slow = runtime === "workerd" ? "undo" : "undo-unknown";
    expect(stack.made(run, slow)).toContain("slow");
    expect(stack.made(run, "undo").at(-1)).toBe("a");
    expect(stack.effects.count("book", `${run}-slow`)).toBe(1);
  });

  test("what cannot be undone is in the failure that the caller gets", async () => {
    const run = newRun();
    stack.refuse = ({ name, key }) => (name === "undo" && key === `${run}-b` ? 503 : undefined);
    const id = await stack.send("Rollback/run", "fails", run);
    const { status, body } = await stack.restate.attach(id, TIMEOUT_MS);
    const { message, metadata } = body as { message: string; metadata?: Record<string, string> };
    expect([status, message]).toEqual([
      402,
      `card refused (rolled back: 4 of 5 undone; not undone: travel undo book call-${run}-b)`,
    ]);
    const report = JSON.parse(metadata?.["restate-edge-agents.rollback"] ?? "{}") as { notUndone?: unknown };
    expect(report.notUndone).toEqual([
      {
        step: `travel undo book call-${run}-b`,
        invocationId: id,
        tool: "book",
        toolCallId: `call-${run}-b`,
        outcome: "done",
        problem: `effect undo ${run}-b answered 503`,
      },
    ]);
    expect(stack.made(run, "undo")).toEqual(ORDER.filter((key) => key !== "b"));
    const tried = stack.effects.effects.filter(({ name, key }) => name === "undo" && key === `${run}-b`);
    expect(tried).toHaveLength(3);
  });
});
