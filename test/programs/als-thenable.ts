/**
 * What the scheduler assumes of a runtime: code after, and inside, an `await` of a thenable runs in the
 * AsyncLocalStorage store of the code that awaits. Every runtime calls this and expects an empty list.
 */
import { AsyncLocalStorage } from "node:async_hooks";

const storage = new AsyncLocalStorage<string>();

/** A thenable that notes in whose store it was awaited, and settles from another one. */
class Noting implements PromiseLike<string> {
  readonly seen: (string | undefined)[] = [];

  // oxlint-disable-next-line unicorn/no-thenable -- the point of the test
  then<A, B>(
    onFulfilled?: ((value: string) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.seen.push(storage.getStore());
    return later("value").then(onFulfilled, onRejected);
  }
}

/** Settles outside of any store, as the scheduler's loop does. */
function later(value: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  storage.run("the loop", () => setTimeout(() => resolve(value), 1));
  return promise;
}

/** Runs the checks; what failed, in words. */
export async function alsThenableFailures(): Promise<string[]> {
  const failures: string[] = [];
  const expect = (what: string, actual: unknown, expected: unknown): void => {
    if (actual !== expected) failures.push(`${what}: expected ${String(expected)}, got ${String(actual)}`);
  };

  const awaitIn = async (fiber: string, thenable: Noting): Promise<void> => {
    await thenable;
    expect(`after await in ${fiber}`, storage.getStore(), fiber);
    await thenable;
    expect(`after a second await in ${fiber}`, storage.getStore(), fiber);
  };

  const shared = new Noting();
  await Promise.all(["a", "b", "c"].map((fiber) => storage.run(fiber, () => awaitIn(fiber, shared))));
  expect("then() of a shared thenable", shared.seen.join(), "a,b,c,a,b,c");

  for (const [name, combine] of [
    ["Promise.all", (parts: Noting[]) => Promise.all(parts)],
    ["Promise.race", (parts: Noting[]) => Promise.race(parts)],
    ["Promise.allSettled", (parts: Noting[]) => Promise.allSettled(parts)],
    ["Promise.resolve", ([part]: Noting[]) => Promise.resolve(part)],
    ["an async function's return", async ([part]: Noting[]) => part],
    ["await in a finally", ([part]: Noting[]) => inFinally(part)],
  ] as const) {
    const parts = [new Noting(), new Noting()];
    await storage.run("fiber", async () => {
      await combine(parts);
      expect(`after ${name}`, storage.getStore(), "fiber");
    });
    for (const { seen } of parts) for (const store of seen) expect(`then() under ${name}`, store, "fiber");
    expect(
      `${name} calls then()`,
      parts.some(({ seen }) => seen.length > 0),
      true,
    );
  }

  await storage.run("outer", async () => {
    const inner = new Noting();
    await storage.run("inner", async () => {
      await inner;
      expect("after await in a nested store", storage.getStore(), "inner");
    });
    expect("back in the outer store", storage.getStore(), "outer");
    expect("then() in a nested store", inner.seen.join(), "inner");
  });
  expect("outside", storage.getStore(), undefined);
  return failures;
}

async function inFinally(thenable: Noting | undefined): Promise<void> {
  try {
    await Promise.resolve();
  } finally {
    await thenable;
  }
}
