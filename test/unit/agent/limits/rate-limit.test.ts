/** The object that keeps a limit, call by call on the in-memory fake: who is woken, and that nobody is forgotten. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rateLimit, type RateLimitOptions } from "../../../../src/index.ts";
import type { Context } from "../../../../src/restate.ts";
import { runFake } from "../../../../src/testing/in-memory.ts";

type Handler = (context: Context, input: unknown) => Promise<unknown>;

/** One limit, its state, and who was woken, in order. */
class World {
  readonly woken: string[] = [];
  readonly sent: string[] = [];
  #state: ReadonlyMap<string, Uint8Array> = new Map();
  readonly #handlers: Readonly<Record<string, Handler>>;

  constructor(options: RateLimitOptions) {
    this.#handlers = (rateLimit("Limit", options) as unknown as { object: Record<string, Handler> }).object;
  }

  async call(name: string, input?: unknown, crashAt: readonly number[] = []): Promise<unknown> {
    const handler = this.#handlers[name];
    if (handler === undefined) throw new Error(`There is no handler "${name}"`);
    const { outcome, state, journal } = await runFake((context) => handler(context, input), {
      key: "default",
      state: this.#state,
      mode: "request-response",
      crashAt,
    });
    if (!outcome.ok) throw outcome.error;
    this.#state = state;
    for (const command of journal.commands) {
      if (command.startsWith("send ")) this.sent.push(command.slice(5));
      const id = /^complete-awakeable (awakeable-of-.+)$/.exec(command)?.[1];
      if (id !== undefined) this.woken.push(id.slice("awakeable-of-".length));
    }
    return outcome.value;
  }

  acquire(id: string, invocationId = `inv-${id}`, crashAt?: readonly number[]): Promise<unknown> {
    return this.call("acquire", { id, invocationId, awakeable: `awakeable-of-${id}` }, crashAt);
  }

  get keys(): string[] {
    return [...this.#state.keys()];
  }

  /** Killed while it asks: of what it writes, only what begins so has reached Restate. */
  async acquireKilled(id: string, written: readonly string[]): Promise<void> {
    const before = this.#state;
    await this.acquire(id);
    const left = [...this.#state].filter(([key]) => written.some((begin) => key.startsWith(begin)) && !before.has(key));
    this.#state = new Map([...before, ...left]);
  }
}

describe("a limit", () => {
  test("wakes in the order of asking, as permits come back", async () => {
    const world = new World({ concurrency: 2 });
    for (const id of ["a", "b", "c", "d", "e"]) await world.acquire(id);
    expect(world.woken).toEqual(["a", "b"]);
    await world.call("release", "b");
    expect(world.woken).toEqual(["a", "b", "c"]);
    await world.call("release", "d"); // It gives up while it waits.
    await world.call("release", "a");
    expect(world.woken).toEqual(["a", "b", "c", "e"]);
    expect(await world.call("status")).toEqual({ held: 2, waiting: 0 });
    await world.call("release", "b"); // Once more: nothing.
    expect(await world.call("status")).toEqual({ held: 2, waiting: 0 });
  });

  const PARTS = [["run/"], ["run/", "waiting/"], ["run/", "waiting/", "place/"]];
  test.each(PARTS)("who is killed while it asks takes nobody's place (%s %s %s)", async (...written) => {
    const world = new World({ concurrency: 1 });
    await world.acquire("a");
    await world.acquireKilled("killed", written.filter(Boolean));
    await world.acquire("b");
    await world.acquire("c");
    await world.call("ended", "inv-killed");
    await world.call("release", "a");
    await world.call("release", "b");
    expect(world.woken).toEqual(["a", "b", "c"]);
    await world.call("release", "c");
    for (const id of ["a", "b", "c"]) await world.call("ended", `inv-${id}`);
    expect(await world.call("status")).toEqual({ held: 0, waiting: 0 });
    expect(world.keys).toEqual(["head"]);
  });

  test("who is killed while it asks leaves nothing when nobody comes after it", async () => {
    const world = new World({ concurrency: 1 });
    await world.acquire("a");
    await world.acquireKilled("killed", ["run/", "waiting/", "place/"]);
    await world.call("ended", "inv-killed");
    expect(await world.call("status")).toEqual({ held: 1, waiting: 0 });
    await world.call("release", "a");
    await world.call("ended", "inv-a");
    await world.acquire("b");
    expect(world.woken).toEqual(["a", "b"]);
  });

  test("takes back what an invocation holds and waits for, when it ends in whatever way", async () => {
    const world = new World({ concurrency: 1 });
    await world.acquire("a", "inv-1");
    await world.acquire("b", "inv-1");
    await world.acquire("c", "inv-2");
    expect(world.sent.filter((target) => target.endsWith("/watch"))).toHaveLength(2);
    await world.call("ended", "inv-1");
    expect(world.woken).toEqual(["a", "c"]);
    expect(await world.call("status")).toEqual({ held: 1, waiting: 0 });
    // A permit that is asked for after the end, by a message that was on its way, is watched again.
    await world.acquire("d", "inv-1");
    expect(world.sent.filter((target) => target.endsWith("/watch"))).toHaveLength(3);
    await world.call("ended", "inv-2");
    await world.call("ended", "inv-1");
    expect(world.keys).toEqual(["head"]);
  });

  test("does what it would have done when it dies in the middle", async () => {
    for (let at = 1; at <= 12; at++) {
      const world = new World({ concurrency: 1 });
      await world.acquire("a", "inv-a", [at]);
      await world.acquire("b", "inv-b", [at]);
      await world.call("release", "a", [at]);
      expect(world.woken).toEqual(["a", "b"]);
    }
  });

  test("never has more holders than it may, forgets nobody, and keeps the order", async () => {
    const action = fc.constantFrom("acquire", "release", "ended");
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.array(fc.tuple(action, fc.nat({ max: 9 })), { maxLength: 30 }),
        async (concurrency, actions) => {
          const world = new World({ concurrency });
          const queue: string[] = [];
          let holders: string[] = [];
          const expected: string[] = [];
          let next = 0;
          for (const [name, pick] of actions) {
            const all = [...holders, ...queue];
            const one = all[pick % Math.max(1, all.length)];
            if (name === "acquire") {
              const id = `p${next++}`;
              queue.push(id);
              await world.acquire(id);
            } else if (one !== undefined) {
              holders = holders.filter((id) => id !== one);
              if (queue.includes(one)) queue.splice(queue.indexOf(one), 1);
              await world.call(name, name === "ended" ? `inv-${one}` : one);
            }
            while (queue.length > 0 && holders.length < concurrency) {
              const first = queue.shift() ?? "";
              holders.push(first);
              expected.push(first);
            }
            expect(world.woken).toEqual(expected);
            expect(await world.call("status")).toEqual({ held: holders.length, waiting: queue.length });
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});
