import { describe, expect, test } from "vitest";
import type { JournalAwaitable } from "../../../src/journal/awaitable.ts";
import { RunAhead, type Window } from "../../../src/journal/run-ahead.ts";

const window: Window = { steps: 3, ms: 1_000, bytes: 100 };

function setUp() {
  const clock = { ms: 5_000 };
  const ahead = new RunAhead(() => clock.ms);
  const step = (): JournalAwaitable<unknown> => ({ window }) as unknown as JournalAwaitable<unknown>;
  const use = (bytes: number): void => {
    const awaitable = step();
    ahead.propose({ awaitable, value: 0, bytes });
    expect(ahead.take([awaitable])?.awaitable).toBe(awaitable);
  };
  return { clock, ahead, use, isExhausted: () => ahead.isExhausted([step()]) };
}

describe("a window is used up", () => {
  test("by steps", () => {
    const { use, isExhausted } = setUp();
    for (let n = 1; n <= 3; n++) {
      expect(isExhausted()).toBe(false);
      use(1);
    }
    expect(isExhausted()).toBe(true);
  });

  test("by bytes", () => {
    const { use, isExhausted } = setUp();
    use(99);
    expect(isExhausted()).toBe(false);
    use(1);
    expect(isExhausted()).toBe(true);
  });

  test("by the age of the attempt, not of the first result: the attempt hears no news from its start on", () => {
    const { clock, use, isExhausted } = setUp();
    clock.ms += 1_000;
    expect(isExhausted()).toBe(false); // Nothing is outstanding, so there is nothing to wait for.
    use(1);
    expect(isExhausted()).toBe(true);
  });

  test("by the age that a timer nobody hears of allows", () => {
    const { clock, ahead, use } = setUp();
    const step = { window } as unknown as JournalAwaitable<unknown>;
    use(1);
    clock.ms += 250;
    expect(ahead.isExhausted([step], 251)).toBe(false);
    expect(ahead.isExhausted([step], 250)).toBe(true);
  });
});
