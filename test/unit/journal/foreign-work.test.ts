import { describe, expect, test } from "vitest";
import { restateContext } from "../../../src/journal/context.ts";
import { FAKE_PENDING } from "../../../src/testing/fake-context.ts";
import { foreignWork, inFibers, inHandler, turn, valueOf } from "./in-handler.ts";

/** Steps one after another, quickly. */
const steps = (name: string, count: number) => async (): Promise<void> => {
  for (let n = 1; n <= count; n++) await restateContext().run(`${name}${n}`, () => n);
};

describe("foreign work in a fiber", () => {
  test("holds the journal up, so that its place in the order does not depend on time (S4)", async () => {
    const orders = new Set<string>();
    for (const ms of [0, 2, 5, 9]) {
      const { journal } = await inHandler(
        () =>
          inFibers(steps("a", 3), async () => {
            await foreignWork(ms);
            await restateContext().run("after foreign work", () => 1);
          }),
        { patienceMs: 5_000 },
      );
      orders.add(journal.commands.join());
    }
    expect([...orders]).toEqual(["run a1,run after foreign work,run a2,run a3"]);
  });

  test("holds it up again after each of its own awaits", async () => {
    const orders = new Set<string>();
    for (const ms of [0, 3, 6]) {
      const foreign = async (): Promise<void> => {
        for (const n of [1, 2, 3]) {
          await foreignWork(ms);
          await restateContext().run(`b${n}`, () => n);
        }
      };
      const pick = () => (candidates: readonly number[]) => (candidates.length === 0 ? undefined : 0);
      const { journal } = await inHandler(() => inFibers(steps("a", 3), foreign), { patienceMs: 5_000, pick });
      orders.add(journal.commands.join());
    }
    expect(orders.size).toBe(1);
  });

  test("runs detached once the patience is over, and the others go on (S5)", async () => {
    const order: string[] = [];
    const { outcome } = await inHandler(
      () =>
        inFibers(
          async () => {
            await foreignWork(120);
            order.push("foreign");
            await restateContext().run("late", () => 1);
          },
          async () => {
            await steps("a", 3)();
            order.push("steps");
          },
        ),
      { patienceMs: 10 },
    );
    expect([outcome.ok, order]).toEqual([true, ["steps", "foreign"]]);
  });

  test("costs its patience once, not at each completion", async () => {
    const started = performance.now();
    await inHandler(() => inFibers(steps("a", 20), () => foreignWork(300)), { patienceMs: 50 });
    expect(performance.now() - started).toBeLessThan(450);
  });

  test("that has ended no longer holds anything up", async () => {
    const started = performance.now();
    await inHandler(() => inFibers(steps("a", 5), () => foreignWork(2)), { patienceMs: 5_000 });
    expect(performance.now() - started).toBeLessThan(500);
  });
});

describe("a fiber that waits for a plain promise", () => {
  test("of a sibling is not a deadlock", async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const result = await inHandler(
      () =>
        inFibers<unknown>(
          async () => [await promise, await restateContext().run("b", () => "b")],
          async () => {
            await steps("a", 2)();
            resolve("from a sibling");
          },
        ),
      { patienceMs: 5 },
    );
    expect(valueOf(result)[0]).toEqual(["from a sibling", "b"]);
  });

  test("of a sibling that waits for a timer is not a deadlock in request-response mode", async () => {
    const result = await inHandler(
      async () => {
        const { promise, resolve } = Promise.withResolvers<number>();
        const [value] = await inFibers<unknown>(
          () => promise,
          async () => {
            await restateContext().sleep(60_000);
            resolve(await restateContext().run("a", () => 1));
          },
        );
        return value;
      },
      { patienceMs: 5, mode: "request-response" },
    );
    expect(valueOf(result)).toBe(1);
  });
});

describe("a fiber that never touches the journal", () => {
  const bodies: readonly (readonly [string, () => Promise<string>])[] = [
    ["ends at once", async () => "done"],
    ["takes microtasks", () => Promise.resolve().then(() => "done")],
    [
      "takes turns of the event loop",
      () =>
        turn()
          .then(turn)
          .then(() => "done"),
    ],
    ["takes a timer", () => foreignWork(1).then(() => "done")],
  ];
  test.each(bodies)("%s, beside fibers that do", async (_, body) => {
    const result = await inHandler(() => inFibers<unknown>(body, steps("a", 2), body, steps("b", 2)));
    expect(valueOf(result)).toEqual(["done", undefined, "done", undefined]);
    expect(result.journal.commands).toHaveLength(4);
  });
});

describe("the loser of a plain Promise.race", () => {
  test("does not hide that its fiber still works: the order stays the same", async () => {
    // The winner comes from the journal, the loser never completes, and then the end of a child wakes the fiber.
    const body = (): Promise<unknown> =>
      inFibers<unknown>(
        async () => {
          await Promise.race([restateContext().run("winner", () => 1), restateContext().awakeable().promise]);
          await inFibers<unknown>(turn, () => restateContext().sleep(1).then());
          await turn();
          await turn();
          await restateContext().run("after turns", () => 1);
        },
        steps("b", 3),
      );
    for (let seed = 1; seed <= 150; seed++) {
      const options = { signals: () => FAKE_PENDING, timers: "any", seed } as const;
      const whole = await inHandler(body, options);
      expect(whole.outcome).toMatchObject({ ok: true });
      for (let length = 0; length <= whole.journal.events.length; length++) {
        const again = await inHandler(body, { ...options, seed: seed + length, journal: whole.journal.prefix(length) });
        expect(again.outcome).toMatchObject({ ok: true });
      }
    }
  });
});
