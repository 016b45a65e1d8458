import { describe, expect, test } from "vitest";
import { inFiber, type Place, requirePlace } from "../../../src/journal/ambient.ts";
import { restateContext } from "../../../src/journal/context.ts";
import { RestatePromise } from "../../../src/journal/restate-promise.ts";
import { runStep } from "../../../src/journal/step.ts";
import type { StepScope } from "../../../src/journal/step-host.ts";
import { CancelledError, TerminalError } from "../../../src/restate.ts";
import { FAKE_PENDING } from "../../../src/testing/fake-context.ts";
import { foreignWork, inFibers, inHandler, turn, valueOf } from "./in-handler.ts";

const forever = { signals: () => FAKE_PENDING } as const;
const waiting = (): PromiseLike<unknown> => restateContext().awakeable().promise;

describe.each(["bidirectional", "request-response"] as const)("cancellation, %s", (mode) => {
  test("reaches every waiting fiber as a CancelledError, and clean-up may use the journal", async () => {
    const tool = (name: string) => async (): Promise<string> => {
      try {
        await waiting();
        return "not reached";
      } catch (error) {
        const cleaned = await restateContext().run(`clean up ${name}`, () => `cleaned ${name}`);
        return `${(error as Error).name} ${cleaned}`;
      }
    };
    const { outcome, journal } = await inHandler(() => inFibers(tool("a"), tool("b"), tool("c")), {
      ...forever,
      mode,
      cancelAt: 3,
    });
    expect(outcome).toEqual({
      ok: true,
      value: ["CancelledError cleaned a", "CancelledError cleaned b", "CancelledError cleaned c"],
    });
    expect(journal.commands.slice(3)).toEqual(["run clean up a", "run clean up b", "run clean up c"]);
  });

  test("replays alike from every prefix of the journal", async () => {
    const body = (): Promise<unknown> =>
      inFibers(
        async () => {
          await restateContext().run("a1", () => 1);
          return waiting();
        },
        async () => {
          try {
            for (let n = 0; ; n++) await restateContext().run(`b${n}`, () => n);
          } finally {
            await restateContext().run("undo b", () => 0);
          }
        },
      );
    for (let seed = 1; seed <= 10; seed++) {
      const whole = await inHandler(body, { ...forever, mode, cancelAt: 6, seed });
      expect(whole.outcome).toMatchObject({ ok: false, error: { name: "CancelledError" } });
      for (let length = 0; length <= whole.journal.events.length; length++) {
        const journal = whole.journal.prefix(length);
        const again = await inHandler(body, { ...forever, mode, cancelAt: 6, seed: seed + length, journal });
        expect(String((again.outcome as { error: unknown }).error)).toBe("CancelledError: Cancelled");
      }
    }
  });
});

test("listeners hear of a cancellation before the waiting fibers, which hear in the order in which they parked", async () => {
  const heard: string[] = [];
  await inHandler(
    async () => {
      const { scheduler } = requirePlace("the test").invocation;
      const remove = scheduler.onCancel(() => heard.push("removed"));
      remove();
      scheduler.onCancel(() => heard.push("listener"));
      const [first, second] = [restateContext().awakeable().promise, restateContext().awakeable().promise];
      const tool = (name: string, promise: PromiseLike<unknown>) => async (): Promise<void> => {
        await Promise.resolve(promise).catch(() => heard.push(name));
      };
      await inFibers(tool("a", first), tool("b", second), tool("c", first), tool("d", second));
    },
    { ...forever, cancelAt: 2 },
  );
  expect(heard).toEqual(["listener", "a", "b", "c", "d"]);
});

test("a second cancellation reaches the clean-up of the first", async () => {
  const { outcome } = await inHandler(
    async () => {
      const errors: string[] = [];
      for (const _ of [1, 2]) await Promise.resolve(waiting()).catch((error: Error) => errors.push(error.name));
      return [...errors, await restateContext().run("last words", () => "done")];
    },
    { ...forever, cancelAt: [1, 3] },
  );
  expect(outcome).toEqual({ ok: true, value: ["CancelledError", "CancelledError", "done"] });
});

test("a cancellation rejects combinations and timed waits as a whole", async () => {
  const { outcome } = await inHandler(
    (ctx) => {
      const error = (reason: unknown): boolean => reason instanceof CancelledError;
      const parts = (): [ReturnType<typeof ctx.sleep>] => [ctx.awakeable<void>().promise];
      return inFibers<unknown>(
        () => RestatePromise.all(parts()).catch(error),
        () => RestatePromise.any(parts()).catch(error),
        () => RestatePromise.race(parts()).catch(error),
        () => RestatePromise.allSettled(parts()).catch(error),
        () =>
          parts()[0]
            .map(() => "mapped")
            .catch(error),
        () => Promise.all(parts()).catch(error),
      );
    },
    { ...forever, cancelAt: 6 },
  );
  expect(outcome).toEqual({ ok: true, value: [true, true, true, true, true, true] });
});

test("a cancellation aborts the signal of steps in flight, and steps of the clean-up get a fresh one", async () => {
  const aborted: boolean[] = [];
  const codec = { encode: () => new Uint8Array(1), decode: () => "read" };
  const { outcome } = await inHandler(
    async () => {
      const place = requirePlace("the test");
      const slow = async ({ signal }: StepScope): Promise<string> => {
        while (!signal.aborted) await turn();
        aborted.push(true);
        throw signal.reason;
      };
      await runStep(place, "slow", slow, codec).catch(() => {});
      return runStep(place, "undo", async ({ signal }) => String(aborted.push(signal.aborted)), codec);
    },
    { cancelAt: 1 },
  );
  expect([outcome, aborted]).toEqual([{ ok: true, value: "read" }, [true, false]]);
});

describe("interrupt()", () => {
  test("rejects the waits of a fiber and its descendants once, and leaves the others alone", async () => {
    const reason = new TerminalError("stop");
    const { outcome } = await inHandler(async () => {
      const place = requirePlace("the test");
      let victim: Place | undefined;
      const caught = (wait: () => PromiseLike<unknown>): Promise<unknown> =>
        Promise.resolve(wait()).catch((error: Error) => `caught ${error.message}`);
      return Promise.all([
        inFiber(place, async (own) => {
          victim = own;
          const inner = await inFibers(() => caught(waiting));
          return [inner, await restateContext().run("after", () => "after")];
        }),
        inFiber(place, async () => {
          const first = await restateContext().run("other", () => "other");
          if (victim !== undefined) place.invocation.scheduler.interrupt(victim.fiber, reason);
          return [first, await restateContext().run("unharmed", () => "unharmed")];
        }),
      ]);
    }, forever);
    expect(outcome).toEqual({
      ok: true,
      value: [
        [["caught stop"], "after"],
        ["other", "unharmed"],
      ],
    });
  });
});

describe("kill()", () => {
  test("ends a fiber and its descendants: every wait and every later action throws the reason", async () => {
    const reason = new Error("dead");
    const later: unknown[] = [];
    const attempt = async (action: () => unknown): Promise<void> => {
      try {
        later.push(await action());
      } catch (error) {
        later.push(error);
      }
    };
    const { outcome, journal } = await inHandler(async (ctx) => {
      const place = requirePlace("the test");
      let victim: Place | undefined;
      const [, survivor] = await Promise.all([
        inFiber(place, async (own) => {
          victim = own;
          await attempt(waiting);
          await attempt(() => restateContext());
          await attempt(() => ctx.run("a", () => 1));
          await attempt(() => ctx.sleep(1));
          await attempt(() => inFibers(() => ctx.run("b", () => 1).then()));
          await attempt(() => RestatePromise.all([]));
        }),
        inFiber(place, async () => {
          await restateContext().run("other", () => 1);
          if (victim !== undefined) place.invocation.scheduler.kill(victim.fiber, reason);
          return restateContext().run("survivor", () => "alive");
        }),
      ]);
      return survivor;
    }, forever);
    expect(outcome).toEqual({ ok: true, value: "alive" });
    expect(later).toEqual(Array<Error>(6).fill(reason));
    expect(journal.commands).toEqual(["awakeable awakeable-1", "run other", "run survivor"]);
  });

  test("lets the others go on while the dead fiber still does foreign work", async () => {
    const started = performance.now();
    const result = await inHandler(
      async () => {
        const place = requirePlace("the test");
        let victim: Place | undefined;
        const dead = inFiber(place, async (own) => {
          victim = own;
          await foreignWork(300);
        });
        const alive = inFiber(place, async () => {
          if (victim !== undefined) place.invocation.scheduler.kill(victim.fiber, new Error("dead"));
          return restateContext().run("alive", () => "alive");
        });
        const value = await alive;
        void dead;
        return value;
      },
      { patienceMs: 10_000 },
    );
    expect(valueOf(result)).toBe("alive");
    expect(performance.now() - started).toBeLessThan(250);
  });
});
