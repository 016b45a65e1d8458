/** Pages of one key of an approval object, against what a list without pages would have; the state is made at random. */
import { expect, test } from "vitest";
import type { ListRequest } from "../../../src/approvals/approval-handlers.ts";
import {
  type ApprovalIndex,
  CHUNK_SIZE,
  decisionMs,
  EMPTY_INDEX,
  type IndexEntry,
  select,
  withDecided,
} from "../../../src/approvals/approval-index.ts";
import { listPage, MAX_CHUNKS } from "../../../src/approvals/approval-list.ts";
import type { Approval, ApprovalState } from "../../../src/approvals/approvals.ts";

const SESSIONS = ["a:main", "b:main", "a:other", "plain"];
const STATES: readonly ApprovalState[] = ["approved", "denied", "expired", "cancelled"];

/** What one key has: `count` questions of which all but some have been decided, in whatever order. */
class Kept {
  index: ApprovalIndex = EMPTY_INDEX;
  readonly entries = new Map<string, IndexEntry>();
  readonly #chunks = new Map<string, readonly IndexEntry[]>();
  reads = 0;
  #nowMs = 0;

  ask(n: number, session: string | undefined, tickMs: number): void {
    this.#nowMs += tickMs;
    const id = `apr_0aaaaaa_${String(n).padStart(32, "0")}`;
    const entry: IndexEntry = {
      id,
      state: "pending",
      agent: "x",
      session,
      invocationId: "i",
      requestedMs: this.#nowMs,
    };
    this.index = { ...this.index, pending: [...this.index.pending, entry] };
    this.entries.set(id, entry);
  }

  /** @param skewMs How much the clock of the machine is behind. */
  decide(id: string, state: ApprovalState, tickMs: number, skewMs = 0): void {
    this.#nowMs += tickMs;
    const decidedMs = decisionMs(this.index, this.#nowMs - skewMs);
    const { index, chunk } = withDecided(this.index, id, state, decidedMs);
    this.index = index;
    if (chunk !== undefined) this.#chunks.set(`chunk/${chunk.n}`, chunk.entries);
    const entry = this.entries.get(id);
    if (entry !== undefined) this.entries.set(id, { ...entry, state, decidedMs });
  }

  /** Forgets the oldest chunk, as a sweep does. */
  forgetChunk(): void {
    for (const { id } of this.#chunks.get(`chunk/${this.index.oldest}`) ?? []) this.entries.delete(id);
    this.#chunks.delete(`chunk/${this.index.oldest}`);
    this.index = { ...this.index, oldest: this.index.oldest + 1 };
  }

  page(filter: ListRequest) {
    const read = async (id: string): Promise<Approval | undefined> => Promise.resolve(approvalOf(this.entries.get(id)));
    const context = {
      get: async <T>(name: string): Promise<T | null> => {
        this.reads += 1;
        return Promise.resolve((this.#chunks.get(name) as T | undefined) ?? null);
      },
    };
    return listPage(context, { index: this.index, chunkKey: (n) => `chunk/${n}`, read }, filter);
  }

  /** All pages. */
  async all(filter: Omit<ListRequest, "before">): Promise<{ readonly ids: readonly string[]; readonly pages: number }> {
    const ids: string[] = [];
    let before: ListRequest["before"];
    for (let pages = 1; ; pages++) {
      this.reads = 0;
      const { approvals, more } = await this.page({ ...filter, before });
      expect(approvals.length).toBeLessThanOrEqual(filter.limit);
      expect(this.reads).toBeLessThanOrEqual(MAX_CHUNKS + Math.ceil(Math.log2(this.index.next + 1)));
      ids.push(...approvals.map(({ id }) => id));
      if (more === undefined) return { ids, pages };
      expect(pages).toBeLessThan(1_000);
      before = more;
    }
  }
}

function approvalOf(entry: IndexEntry | undefined): Approval | undefined {
  if (entry === undefined) return undefined;
  const { id, state, agent, invocationId, requestedMs } = entry;
  const requestedAt = new Date(requestedMs).toISOString();
  return { id, kind: "approval", state, agent, invocationId, tool: "t", toolCallId: "c", input: {}, requestedAt };
}

/** Mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function kept(seed: number, count: number): Kept {
  const random = randomOf(seed);
  const pick = <T>(values: readonly T[]): T | undefined => values[Math.floor(random() * values.length)];
  const made = new Kept();
  // Many at the same time.
  const tick = (): number => (random() < 0.5 ? 0 : Math.ceil(random() * 5));
  for (let n = 0; n < count; n++) {
    made.ask(n, random() < 0.2 ? undefined : pick(SESSIONS), tick());
    if (random() < 0.9) {
      const id = pick(made.index.pending)?.id ?? "";
      made.decide(id, pick(STATES) ?? "approved", tick(), random() < 0.1 ? 40 : 0);
    }
  }
  if (random() < 0.3 && made.index.next > 1) made.forgetChunk();
  return made;
}

const filters: readonly Omit<ListRequest, "before" | "limit">[] = [
  { states: ["pending"] },
  { states: STATES },
  { states: ["pending", ...STATES] },
  { states: ["pending", "denied"], keyPrefix: "a:" },
  { states: STATES, keyPrefix: "b:" },
  { states: STATES, keyPrefix: "nobody:" },
  { states: ["expired"], session: "plain" },
];

test("nothing is left out and nothing comes twice, whatever is asked for, in pages of any size", async () => {
  let lists = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const made = kept(seed, 1 + ((seed * 97) % 900));
    for (const filter of filters) {
      const whole = select([...made.entries.values()], { ...filter, limit: Number.MAX_SAFE_INTEGER });
      for (const limit of [1 + (seed % 9), 50, 101]) {
        expect((await made.all({ ...filter, limit })).ids).toEqual(whole.map(({ id }) => id));
        lists += 1;
      }
    }
  }
  expect(lists).toBe(40 * filters.length * 3);
});

test("what was decided lately is found behind many that have waited for long", async () => {
  const made = new Kept();
  for (let n = 0; n < 60; n++) made.ask(n, "a:main", 1);
  for (let n = 60; n < 60 + CHUNK_SIZE; n++) {
    made.ask(n, "a:main", 1);
    made.decide(`apr_0aaaaaa_${String(n).padStart(32, "0")}`, "approved", 1);
  }
  expect([made.index.recent.length, made.index.next]).toEqual([0, 1]);
  const { approvals } = await made.page({ states: ["pending", "approved"], limit: 50 });
  expect(new Set(approvals.map(({ state }) => state))).toEqual(new Set(["approved"]));
});

test("who has little among much gets it in bounded steps", async () => {
  const made = new Kept();
  const count = 50 * CHUNK_SIZE;
  for (let n = 0; n < count; n++) {
    made.ask(n, n === 7 || n === count - 1 ? "rare:x" : "often:x", 1);
    made.decide(`apr_0aaaaaa_${String(n).padStart(32, "0")}`, "denied", 1);
  }
  const { ids, pages } = await made.all({ states: ["denied"], keyPrefix: "rare:", limit: 10 });
  expect([ids.length, pages]).toEqual([2, 3]);
});
