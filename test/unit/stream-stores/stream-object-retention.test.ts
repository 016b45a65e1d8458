/** How long a stream's object keeps it: its timers are run by hand, at the times that they were set for. */
import { expect, test } from "vitest";
import type { GenericSend, ObjectContext } from "../../../src/restate.ts";
import { streamObject, type StreamObjectOptions } from "../../../src/stream/stream-object.ts";
import { delta } from "./contract.ts";

const DAY_MS = 86_400_000;
const writer = { attempt: "a", startedMs: 0 };
const batch = { writer, segment: 1, take: 1, from: 0, chunks: [delta("a")] };
const end = { writer: { ...writer, last: true }, segments: 0, chunks: [{ type: "finish" }] };

type Handlers = Record<string, (context: ObjectContext, input: unknown) => Promise<unknown>>;

/** An object, and the timers that it has set: when they fire, in milliseconds. */
class Kept {
  readonly timers: number[] = [];
  /** Objects that were told to forget what they keep. */
  readonly dropped: string[] = [];
  /** Most that one was set for. */
  longestMs = 0;
  readonly #state = new Map<string, unknown>();
  readonly #handlers: Handlers;
  #nowMs = 0;

  constructor(options: StreamObjectOptions = {}) {
    this.#handlers = (streamObject("Streams", options) as unknown as { readonly object: Handlers }).object;
  }

  get exists(): boolean {
    return this.#state.size > 0;
  }

  async call(handler: string, input: object): Promise<void> {
    const context = {
      key: "s",
      get: async (name: string) => Promise.resolve(this.#state.get(name) ?? null),
      set: (name: string, value: unknown) => void this.#state.set(name, value),
      clearAll: () => this.#state.clear(),
      genericSend: ({ method, delay, key = "" }: GenericSend<unknown>) => {
        if (method === "drop") this.dropped.push(key);
        if (method !== "expire" || typeof delay !== "number") return;
        this.longestMs = Math.max(this.longestMs, delay);
        this.timers.push(this.#nowMs + delay);
      },
    };
    await this.#handlers[handler]?.(context as unknown as ObjectContext, { ...input, nowMs: this.#nowMs });
  }

  /** Time passes: what was due fires. */
  async until(nowMs: number): Promise<void> {
    for (;;) {
      const next = this.timers.toSorted((a, b) => a - b)[0];
      if (next === undefined || next > nowMs) break;
      this.timers.splice(this.timers.indexOf(next), 1);
      this.#nowMs = next;
      await this.call("expire", {});
    }
    this.#nowMs = nowMs;
  }
}

test("a turn that waits for a person for days keeps its stream; one that nobody goes on with is forgotten in the end", async () => {
  const kept = new Kept();
  await kept.call("append", { batch });
  await kept.until(20 * DAY_MS);
  expect([kept.exists, kept.timers.length]).toEqual([true, 1]);
  await kept.call("append", { batch: { ...batch, from: 1 } });
  await kept.until(49 * DAY_MS);
  expect(kept.exists).toBe(true);
  await kept.until(51 * DAY_MS);
  expect([kept.exists, kept.timers]).toEqual([false, []]);
  expect(kept.longestMs).toBe(DAY_MS);
});

test("one that has ended is forgotten after an hour, and a day later nothing is left of its timers", async () => {
  const kept = new Kept();
  await kept.call("append", { batch });
  await kept.until(DAY_MS / 2);
  await kept.call("end", { end });
  await kept.until(DAY_MS / 2 + 3_500_000);
  expect(kept.exists).toBe(true);
  await kept.until(DAY_MS / 2 + 3_700_000);
  expect(kept.exists).toBe(false);
  await kept.until(DAY_MS);
  expect(kept.timers).toEqual([]);
});

test("one that is kept for days after its end is forgotten when its time is over", async () => {
  const kept = new Kept({ retentionMs: 3 * DAY_MS });
  await kept.call("append", { batch });
  await kept.call("end", { end });
  await kept.until(2.9 * DAY_MS);
  expect(kept.exists).toBe(true);
  await kept.until(3.1 * DAY_MS);
  expect([kept.exists, kept.timers]).toEqual([false, []]);
});

const granted = { ...writer, grant: "g" };
const input = { type: "tool-input-available", toolCallId: "x", toolName: "t", input: {} };
const open = { ...batch, writer: granted, chunks: [{ type: "start-step" }, input] };
const word = (output: string) => ({ word: { grant: "g", toolCallId: "x", output } });

test("what others tell of a stream leaves half of its room to the turn", async () => {
  const kept = new Kept({ maxBytes: 10_000 });
  await kept.call("append", { batch: open });
  for (let n = 0; n < 20; n += 1) await kept.call("tell", word("w".repeat(1_000)));
  const own = { ...open, from: 2, chunks: [delta("t".repeat(4_000))] };
  await expect(kept.call("append", { batch: own })).resolves.toBeUndefined();
  await expect(kept.call("append", { batch: { ...own, from: 3 } })).rejects.toThrow(/10000 are allowed/);
});

test("with a stream goes what others have told of it", async () => {
  const told = new Kept();
  await told.call("append", { batch: open });
  await told.call("tell", word("so far"));
  await told.call("remove", {});
  expect([told.exists, told.dropped]).toEqual([false, ["s#progress"]]);
  const untold = new Kept();
  await untold.call("append", { batch: open });
  await untold.call("remove", {});
  expect([untold.exists, untold.dropped]).toEqual([false, []]);
});
