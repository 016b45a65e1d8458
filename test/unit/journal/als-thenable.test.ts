import { expect, test } from "vitest";
import { inFiber, requirePlace } from "../../../src/journal/ambient.ts";
import { restateContext } from "../../../src/journal/context.ts";
import { alsThenableFailures } from "../../programs/als-thenable.ts";
import { inHandler } from "./in-handler.ts";

test("an await of a thenable keeps the AsyncLocalStorage store", async () => {
  expect(await alsThenableFailures()).toEqual([]);
});

test("an await inside a child fiber is registered under that fiber", async () => {
  const { outcome } = await inHandler(async () => {
    const place = requirePlace("the test");
    const seen: boolean[] = [];
    await Promise.all(
      ["a", "b"].map((name) =>
        inFiber(place, async ({ fiber }) => {
          const step = restateContext().run(name, () => name);
          const waiting = (async () => await step)();
          await Promise.resolve();
          await Promise.resolve();
          seen.push(fiber.waits.size === 1 && place.fiber.waits.size === 0);
          return waiting;
        }),
      ),
    );
    return seen;
  });
  expect(outcome).toEqual({ ok: true, value: [true, true] });
});
