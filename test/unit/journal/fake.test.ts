import { expect, test } from "vitest";
import { type Context, type Serde, TerminalError, TimeoutError } from "../../../src/restate.ts";
import { restateContext, restateObjectContext } from "../../../src/journal/context.ts";
import { FAKE_PENDING } from "../../../src/testing/fake-context.ts";
import { FakeJournal } from "../../../src/testing/fake-journal.ts";
import { crashEverywhere, runFake } from "../../../src/testing/run-fake.ts";
import { foreignWork, inFibers, inHandler, valueOf } from "./in-handler.ts";

const NEVER_RETRIED = { maxFailures: 0 } as const;

test("the bare fake fails as the SDK does when two promises are awaited at a time", async () => {
  const { outcome } = await runFake(
    (ctx) => Promise.all([ctx.run("a", () => 1), ctx.run("b", () => 2)]),
    NEVER_RETRIED,
  );
  expect(String((outcome as { error: unknown }).error)).toContain("awaitNext already pending");
});

test("the same code succeeds under the scheduler", async () => {
  const result = await inHandler((ctx) => Promise.all([ctx.run("a", () => 1), ctx.run("b", () => 2)]));
  expect(valueOf(result)).toEqual([1, 2]);
});

test("the bare fake awaits one promise after another, twice the same, mapped and timed out", async () => {
  const result = await runFake(
    async (ctx) => {
      const step = ctx.run("a", () => 1);
      const first = await step;
      const again = await step;
      const mapped = await ctx.run("b", () => 2).map((value) => (value ?? 0) + 1);
      const timed = await ctx
        .awakeable()
        .promise.orTimeout(5)
        .map((_, failure) => failure instanceof TimeoutError);
      return [first, again, mapped, timed];
    },
    { ...NEVER_RETRIED, signals: () => FAKE_PENDING },
  );
  expect(valueOf(result)).toEqual([1, 1, 3, true]);
});

test("a step runs only once somebody awaits it", async () => {
  const { executions } = await inHandler(async (ctx) => {
    void ctx.run("nobody waits", () => 1);
    await ctx.run("awaited", () => 2);
  });
  expect([...executions]).toEqual([["awaited", 1]]);
});

test("values go through their serde and failures lose their class but keep code, message and metadata", async () => {
  const upperCase: Serde<string> = {
    serialize: (value) => new TextEncoder().encode(value.toUpperCase()),
    deserialize: (bytes) => new TextDecoder().decode(bytes),
  };
  class OwnError extends TerminalError {}
  const result = await inHandler(async (ctx) => {
    const text = await ctx.run("serde", () => "abc", { serde: upperCase });
    const date: unknown = await ctx.run("date", () => new Date(0));
    const nothing = await ctx.run("nothing", () => {});
    const failure = await ctx
      .run("fails", () => {
        throw new OwnError("no", { errorCode: 418, metadata: { a: "b" } });
      })
      .then(
        () => undefined,
        (error: TerminalError) => error,
      );
    return { text, date, nothing, failure };
  });
  const { failure, ...values } = valueOf(result);
  expect(values).toEqual({ text: "ABC", date: "1970-01-01T00:00:00.000Z", nothing: undefined });
  expect(failure).toMatchObject({ message: "no", code: 418, metadata: { a: "b" } });
  expect(failure).not.toBeInstanceOf(OwnError);
});

test("a command that differs from the journal's is a mismatch that names both", async () => {
  const journal = new FakeJournal([{ type: "command", kind: "run", name: "charge" }]);
  const { outcome } = await inHandler((ctx) => ctx.run("refund", () => 1), { journal });
  expect(outcome).toMatchObject({ ok: false, error: { name: "FakeJournalMismatch" } });
  expect(String((outcome as { error: unknown }).error)).toMatch(/"run refund".*"run charge"/);
});

test("waiting where the journal goes on is a mismatch", async () => {
  const journal = new FakeJournal([
    { type: "command", kind: "run", name: "a" },
    { type: "command", kind: "run", name: "b" },
  ]);
  const sequential = async (ctx: Context): Promise<void> => {
    await ctx.run("a", () => 1);
    await ctx.run("b", () => 2);
  };
  const { outcome } = await inHandler(sequential, { journal });
  expect(String((outcome as { error: unknown }).error)).toMatch(/waits for "run a".*goes on with "run b"/);
});

test("a transient failure ends the attempt, the next one replays and tries the step again", async () => {
  let tries = 0;
  const { outcome, attempts, executions } = await inHandler(
    async (ctx) => {
      await ctx.run("before", () => 1);
      return ctx.run("flaky", () => {
        tries += 1;
        if (tries < 3) throw new Error("not yet");
        return tries;
      });
    },
    { maxFailures: 3 },
  );
  expect([outcome, attempts, Object.fromEntries(executions)]).toEqual([
    { ok: true, value: 3 },
    3,
    { before: 1, flaky: 3 },
  ]);
});

test("a step with maxRetryAttempts fails terminally after so many", async () => {
  const { outcome, executions } = await inHandler(
    (ctx) => ctx.run("flaky", () => Promise.reject(new Error("down")), { maxRetryAttempts: 2 }),
    { maxFailures: 5 },
  );
  expect(outcome).toMatchObject({ ok: false, error: { message: "down" } });
  expect(executions.get("flaky")).toBe(2);
});

test("request-response suspends after each await, bidirectional goes on", async () => {
  const three = async (ctx: Context): Promise<void> => {
    for (const name of ["a", "b", "c"]) await ctx.run(name, () => name);
  };
  const suspended = await inHandler(three, { mode: "request-response" });
  const streamed = await inHandler(three, { mode: "bidirectional" });
  expect([suspended.attempts, streamed.attempts]).toEqual([4, 1]);
  expect(suspended.journal.commands).toEqual(streamed.journal.commands);
});

test("parallel steps take one suspension together", async () => {
  const { attempts } = await inHandler(
    (ctx) => Promise.all(["a", "b", "c"].map((name) => ctx.run(name, () => foreignWork(2)))),
    { mode: "request-response" },
  );
  expect(attempts).toBe(2);
});

test("time is virtual: timers fire in the order of their due times, after whatever else can happen", async () => {
  const order: string[] = [];
  const result = await inHandler(async (ctx) => {
    const wait = async (name: string, ms: number): Promise<void> => {
      await ctx.sleep(ms);
      order.push(name);
    };
    await Promise.all([
      wait("a week", 7 * 86_400_000),
      wait("a second", 1_000),
      wait("a minute", 60_000),
      ctx.run("step", () => foreignWork(3)).map(() => order.push("step")),
    ]);
    return ctx.date.now();
  });
  expect(order).toEqual(["step", "a second", "a minute", "a week"]);
  expect(valueOf(result)).toBe(7 * 86_400_000);
});

test("a run that dies at every event ends as one that does not", async () => {
  const handler = async (ctx: Context): Promise<unknown> => {
    const first = await ctx.run("first", () => 1);
    const [left, right] = await Promise.all([ctx.run("left", () => 2), ctx.run("right", () => 3)]);
    await ctx.sleep(1_000);
    return [first, left, right];
  };
  const whole = await inHandler(handler);
  const every = await inHandler(handler, { crashAt: "every" });
  expect(every.outcome).toEqual(whole.outcome);
  expect(every.journal.commands).toEqual(whole.journal.commands);
  expect(every.attempts).toBe(whole.journal.events.length + 1);
  expect([whole.executions.get("first"), every.executions.get("first")]).toEqual([1, 1]);
});

test("crashEverywhere() dies once at each event and repeats at most what was in flight", async () => {
  const { withRestateContext } = await import("../../../src/journal/context.ts");
  const { whole, crashed } = await crashEverywhere((ctx) =>
    withRestateContext(ctx, async () => {
      await inFibers(...["a", "b", "c"].map((name) => () => restateContext().run(name, () => name)));
      return restateContext().run("last", () => "done");
    }),
  );
  expect(crashed).toHaveLength(whole.journal.events.length);
  for (const { outcome, attempts, executions } of crashed) {
    expect([outcome, attempts]).toEqual([whole.outcome, 2]);
    for (const count of executions.values()) expect(count).toBeLessThanOrEqual(2);
  }
});

test("state is read as of the command's place, survives crashes and is handed back", async () => {
  const handler = async (): Promise<unknown> => {
    const ctx = restateObjectContext();
    const before = await ctx.get<number>("count");
    ctx.set("count", (before ?? 0) + 1);
    const after = await ctx.get<number>("count");
    ctx.set("other", true);
    const keys = await ctx.stateKeys();
    ctx.clear("other");
    return [before, after, keys];
  };
  const first = await inHandler(handler, { kind: "object", crashAt: "every" });
  const second = await inHandler(handler, { kind: "object", state: first.state });
  expect([valueOf(first), valueOf(second)]).toEqual([
    [null, 1, ["count", "other"]],
    [1, 2, ["count", "other"]],
  ]);
  expect([...second.state.keys()]).toEqual(["count"]);
});

test("random numbers and ids are the same in every attempt", async () => {
  const seen: string[] = [];
  await inHandler(
    async (ctx) => {
      seen.push(`${ctx.rand.uuidv4()} ${ctx.rand.random()}`);
      await ctx.sleep(1);
    },
    { mode: "request-response" },
  );
  expect(seen).toHaveLength(2);
  expect(new Set(seen).size).toBe(1);
});

test("an invocation that waits for what never comes is reported as stuck", async () => {
  const stuck = inHandler((ctx) => ctx.awakeable().promise, {
    mode: "request-response",
    signals: () => FAKE_PENDING,
  });
  await expect(stuck).rejects.toThrow("stuck");
});
