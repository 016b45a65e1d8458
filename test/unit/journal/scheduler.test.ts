import { describe, expect, test } from "vitest";
import { restateContext } from "../../../src/journal/context.ts";
import { RestatePromise } from "../../../src/journal/restate-promise.ts";
import { TerminalError, TimeoutError } from "../../../src/restate.ts";
import { FAKE_PENDING } from "../../../src/testing/fake-context.ts";
import { foreignWork, inFibers, inHandler, noting, turn } from "./in-handler.ts";

const MODES = ["bidirectional", "request-response"] as const;
const rejecting = (message: string) => (): never => {
  throw new TerminalError(message);
};

describe.each(MODES)("%s", (mode) => {
  test("parallel steps of several fibers overlap", async () => {
    let running = 0;
    let most = 0;
    const step = async (): Promise<void> => {
      most = Math.max(most, ++running);
      await foreignWork(5);
      running -= 1;
    };
    const { executions } = await inHandler(
      () => inFibers(...[1, 2, 3, 4, 5, 6, 7, 8].map((n) => () => restateContext().run(`step ${n}`, step))),
      { mode },
    );
    expect(most).toBe(8);
    expect([...executions.values()]).toEqual(Array<number>(8).fill(1));
  });

  test("chains of steps in parallel fibers run each step once", async () => {
    const chain = (name: string) => async (): Promise<string> => {
      let text = name;
      for (let n = 1; n <= 4; n++) text = await restateContext().run(`${name}${n}`, () => `${text}${n}`);
      return text;
    };
    const { outcome, executions } = await inHandler(() => inFibers(chain("a"), chain("b"), chain("c")), { mode });
    expect(outcome).toEqual({ ok: true, value: ["a1234", "b1234", "c1234"] });
    expect([...executions.values()]).toEqual(Array<number>(12).fill(1));
  });

  test("a fiber that throws lets its siblings go on", async () => {
    const { outcome } = await inHandler(
      () =>
        inFibers(
          () =>
            restateContext()
              .run("bad", rejecting("bad"))
              .catch((error: TerminalError) => error.message),
          async () => {
            await restateContext().sleep(10);
            return restateContext().run("good", () => "good");
          },
        ),
      { mode },
    );
    expect(outcome).toEqual({ ok: true, value: ["bad", "good"] });
  });

  test("nested fibers work to any depth", async () => {
    const nest = async (depth: number, path: string): Promise<string[]> => {
      const own = await restateContext().run(path, () => path);
      if (depth === 0) return [own];
      const below = await inFibers(
        () => nest(depth - 1, `${path}l`),
        () => nest(depth - 1, `${path}r`),
      );
      return [own, ...below.flat()];
    };
    const { outcome, executions } = await inHandler(() => nest(4, "n"), { mode });
    expect(outcome.ok && outcome.value.length).toBe(31);
    expect(Math.max(...executions.values())).toBe(1);
  });
});

describe("RestatePromise", () => {
  test("race() lets go of the loser: it is not awaited and does not suspend the invocation", async () => {
    const raced: number[] = [];
    const { outcome } = await inHandler(
      async (ctx) => {
        const winner = await RestatePromise.race([ctx.run("fast", () => "fast"), ctx.awakeable<string>().promise]);
        const next = await ctx.run("next", () => "next");
        return [winner, next];
      },
      { signals: () => FAKE_PENDING, drive: noting(raced) },
    );
    expect(outcome).toEqual({ ok: true, value: ["fast", "next"] });
    expect(raced).toEqual([2, 1]);
  });

  test("race() of things that have completed takes the first by its place, not by chance", async () => {
    const { outcome } = await inHandler(async (ctx) => {
      const [a, b] = [ctx.run("a", () => "a"), ctx.run("b", () => "b")];
      await Promise.all([a, b]);
      return [await RestatePromise.race([a, b]), await RestatePromise.race([b, a])];
    });
    expect(outcome).toEqual({ ok: true, value: ["a", "b"] });
  });

  test("orTimeout() rejects with TimeoutError when the time passes first", async () => {
    const { outcome } = await inHandler(
      (ctx) =>
        ctx
          .awakeable()
          .promise.orTimeout({ minutes: 5 })
          .catch((error: unknown) => [error instanceof TimeoutError, (error as TimeoutError).code]),
      { signals: () => FAKE_PENDING },
    );
    expect(outcome).toEqual({ ok: true, value: [true, 408] });
  });

  test("orTimeout() gives the result when it comes first, and lets go of the timer", async () => {
    const raced: number[] = [];
    const { outcome, journal } = await inHandler(
      async (ctx) => {
        const value = await ctx.run("quick", () => "value").orTimeout(1_000);
        await ctx.run("next", () => 1);
        return value;
      },
      { drive: noting(raced) },
    );
    expect(outcome).toEqual({ ok: true, value: "value" });
    expect([raced, journal.commands]).toEqual([
      [2, 1],
      ["run quick", "sleep", "run next"],
    ]);
  });

  test("orTimeout() of a combination bounds the whole", async () => {
    const { outcome } = await inHandler(
      (ctx) =>
        RestatePromise.all([ctx.run("a", () => 1), ctx.awakeable().promise])
          .orTimeout(1)
          .catch((error: unknown) => error instanceof TimeoutError),
      { signals: () => FAKE_PENDING },
    );
    expect(outcome).toEqual({ ok: true, value: true });
  });

  test("any() gives the first success, and an AggregateError in order when all fail", async () => {
    const { outcome } = await inHandler(async (ctx) => {
      const one = await RestatePromise.any([ctx.run("a", rejecting("a")), ctx.run("b", () => "b")]);
      const none = await RestatePromise.any([ctx.run("c", rejecting("c")), ctx.run("d", rejecting("d"))]).catch(
        (error: unknown) => error,
      );
      return [one, none instanceof AggregateError && none.errors.map((error: Error) => error.message)];
    });
    expect(outcome).toEqual({ ok: true, value: ["b", ["c", "d"]] });
  });

  test("all() rejects with the first failure, allSettled() waits for all", async () => {
    const { outcome } = await inHandler(
      async (ctx) => {
        const all = await RestatePromise.all([ctx.awakeable().promise, ctx.run("a", rejecting("a"))]).catch(
          (error: Error) => error.message,
        );
        const settled = await RestatePromise.allSettled([ctx.run("b", () => 1), ctx.run("c", rejecting("c"))]);
        return [all, settled.map(({ status }) => status)];
      },
      { signals: () => FAKE_PENDING },
    );
    expect(outcome).toEqual({ ok: true, value: ["a", ["fulfilled", "rejected"]] });
  });

  test("combinations of nothing settle at once, and nest", async () => {
    const { outcome } = await inHandler(async (ctx) => {
      const a = ctx.run("a", () => "a").map((value) => `<${value}>`);
      const nested = RestatePromise.all([RestatePromise.race([a, ctx.sleep(1_000)]), RestatePromise.all([])]);
      return [await RestatePromise.all([]), await RestatePromise.allSettled([]), await nested, await a];
    });
    expect(outcome).toEqual({ ok: true, value: [[], [], ["<a>", []], "<a>"] });
  });

  test("map() sees the failure and may throw a terminal error of its own", async () => {
    const { outcome } = await inHandler(async (ctx) => {
      const cured = await ctx.run("a", rejecting("a")).map((_, failure) => failure?.message);
      const thrown = await ctx
        .run("b", () => 1)
        .map(rejecting("mapped"))
        .catch((error: Error) => error.message);
      return [cured, thrown];
    });
    expect(outcome).toEqual({ ok: true, value: ["a", "mapped"] });
  });

  test("a mapper that returns a promise gives its value, also inside all()", async () => {
    const { outcome } = await inHandler(async (ctx) => {
      const mapped = ctx.run("a", () => 1).map((value) => Promise.resolve(`later ${value}`));
      return [await mapped, ...(await RestatePromise.all([mapped]))];
    });
    expect(outcome).toEqual({ ok: true, value: ["later 1", "later 1"] });
  });

  test("resolve() and reject() need no journal", async () => {
    const { outcome, journal } = await inHandler(async () => {
      const value = await RestatePromise.resolve(1);
      const error = await RestatePromise.reject(new TerminalError("no")).catch((reason: Error) => reason.message);
      return [value, error];
    });
    expect([outcome, journal.commands]).toEqual([{ ok: true, value: [1, "no"] }, []]);
  });

  test("a promise that is not of this handler's context is refused by its index", async () => {
    const { outcome } = await inHandler((ctx) =>
      RestatePromise.all([ctx.run("a", () => 1), Promise.resolve(2) as never]).catch(() => "not reached"),
    );
    expect(String((outcome as { error: unknown }).error)).toContain("index 1");
  });
});

describe("one promise", () => {
  test("awaited twice gives its value twice and is one command", async () => {
    const { outcome, journal } = await inHandler(async (ctx) => {
      const step = ctx.run("a", () => ({}));
      return (await step) === (await step);
    });
    expect([outcome, journal.commands]).toEqual([{ ok: true, value: true }, ["run a"]]);
  });

  test("awaited by two fibers at once wakes both", async () => {
    const { outcome, executions } = await inHandler(async (ctx) => {
      const step = ctx.run("a", () => "a");
      return inFibers(
        async () => await step,
        async () => await step,
        async () => (await step) + (await step),
      );
    });
    expect(outcome).toEqual({ ok: true, value: ["a", "a", "aa"] });
    expect(executions.get("a")).toBe(1);
  });

  test("that fails, awaited by two fibers, fails in both with the same error", async () => {
    const { outcome } = await inHandler(async (ctx) => {
      const step = ctx.run("a", rejecting("a"));
      const caught = (): Promise<unknown> => step.catch((error: unknown) => error);
      const [left, right] = await inFibers(caught, caught);
      return left === right && left instanceof TerminalError;
    });
    expect(outcome).toEqual({ ok: true, value: true });
  });
});

describe("completions", () => {
  test("are handed over one at a time: everything that one sets in motion comes first", async () => {
    const follow = (name: string) => async (): Promise<void> => {
      await restateContext().run(`${name}1`, () => 1);
      for (let n = 0; n < 20; n++) await Promise.resolve();
      await turn();
      void restateContext().run(`${name}2`, () => 2);
      await restateContext().run(`${name}3`, () => 3);
    };
    for (let seed = 0; seed < 20; seed++) {
      const { journal } = await inHandler(() => inFibers(follow("a"), follow("b"), follow("c")), { seed });
      const position = (command: string): number => journal.commands.indexOf(`run ${command}`);
      for (const name of ["a", "b", "c"]) expect(position(`${name}3`)).toBe(position(`${name}2`) + 1);
    }
  });

  test("wake the loser of a plain Promise.race at most once, and never hold it", async () => {
    const { outcome } = await inHandler(
      async (ctx) => {
        const winner = await Promise.race([ctx.run("fast", () => "fast"), ctx.awakeable<string>().promise]);
        return [winner, await ctx.run("next", () => "next")];
      },
      { signals: () => FAKE_PENDING },
    );
    expect(outcome).toEqual({ ok: true, value: ["fast", "next"] });
  });
});

test("what an ended fiber left behind goes on while others wait: a sibling may share its promise (S7)", async () => {
  let shared: Promise<string> | undefined;
  const connect = (): Promise<string> =>
    (shared ??= (async () => {
      await restateContext().sleep(10);
      return restateContext().run("connect", () => "connected");
    })());
  const { outcome } = await inHandler(() =>
    inFibers(
      () => Promise.race([connect(), restateContext().run("gives up", () => "gave up")]),
      async () => connect(),
      () => restateContext().run("other", () => "other"),
    ),
  );
  expect(outcome).toEqual({ ok: true, value: ["gave up", "connected", "other"] });
});

test("two invocations in one process never mix", async () => {
  const handler = (name: string) => async (): Promise<string[]> => {
    const steps = await inFibers(
      ...[1, 2, 3].map((n) => async () => {
        const first = await restateContext().run(`${name}${n}`, () => foreignWork(n).then(() => `${name}${n}`));
        await turn();
        return restateContext().run(`${first}!`, () => `${first}!`);
      }),
    );
    return [...steps, restateContext().rand.uuidv4()];
  };
  const names = ["a", "b", "c", "d"];
  const together = await Promise.all(names.map((name, seed) => inHandler(handler(name), { seed })));
  for (const [seed, name] of names.entries()) {
    const alone = await inHandler(handler(name), { seed });
    expect(together[seed]?.outcome).toEqual(alone.outcome);
    expect(together[seed]?.journal.commands.every((command) => command.startsWith(`run ${name}`))).toBe(true);
  }
});
