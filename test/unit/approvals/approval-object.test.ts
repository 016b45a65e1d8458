/** The approval object's handlers, each run on the in-memory fake, with the state that the one before has left. */
import { describe, expect, test } from "vitest";
import type { AnswerResult, ApprovalPage, OpenRequest } from "../../../src/approvals/approval-handlers.ts";
import { approvalId, isApprovalId, isKeptBy, shardOf, shardOfSession } from "../../../src/approvals/approval-id.ts";
import type { ApprovalIndex } from "../../../src/approvals/approval-index.ts";
import type { ApprovalDecision } from "../../../src/approvals/approvals.ts";
import { type Approval, approvalObject, type Context, DefinitionError, TerminalError } from "../../../src/index.ts";
import { FakeJournal, type FakeOptions, runFake } from "../../../src/testing/in-memory.ts";

const definition = approvalObject("Approvals", { retention: { days: 1 } });
type Handler = (context: Context, input: unknown) => Promise<unknown>;
const { object: handlers } = definition as unknown as { readonly object: Readonly<Record<string, Handler>> };

/** One key of the object. */
class Keeper {
  state: ReadonlyMap<string, Uint8Array> = new Map();
  /** Real time does not pass between calls. */
  nowMs = Date.parse("2026-11-28T12:00:00Z");
  commands: readonly string[] = [];

  async call<T>(handler: string, input: unknown, options: FakeOptions = {}): Promise<T> {
    const run = handlers[handler];
    if (run === undefined) throw new Error(`There is no handler ${handler}`);
    const atThatTime = { now: async () => this.nowMs };
    const { outcome, state, journal } = await runFake(
      async (context) =>
        run(new Proxy(context, { get: (target, name) => (name === "date" ? atThatTime : own(target, name)) }), input),
      { state: this.state, ...options },
    );
    this.commands = journal.commands;
    if (!outcome.ok) throw outcome.error;
    this.state = state;
    return outcome.value as T;
  }

  read<T>(name: string): T | undefined {
    const bytes = this.state.get(name);
    return bytes === undefined ? undefined : (JSON.parse(new TextDecoder().decode(bytes)) as T);
  }
}

function own(target: object, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name);
  return typeof value === "function" ? (value.bind(target) as unknown) : value;
}

const session = { service: "Chat", key: "c", turn: "t" };
const question = (n: number, more: Partial<OpenRequest> = {}): OpenRequest => ({
  id: `apr_0aaaaaa_${String(n).padStart(32, "0")}`,
  kind: "approval",
  agent: "a",
  invocationId: "inv_1",
  tool: "book",
  toolCallId: `c${n}`,
  input: { n },
  awakeable: `awakeable-${n}`,
  ...more,
});
const answerTo = ({ id }: OpenRequest, approved: boolean, more: object = {}) => ({ id, approved, ...more });
const list = (keeper: Keeper, more: object = {}) =>
  keeper.call<ApprovalPage>("list", { states: ["pending"], limit: 50, ...more });
const DECIDED = { states: ["approved", "denied", "expired", "cancelled"] };

test("an id says where its question is kept", () => {
  const id = approvalId("Chat.approvals", "6f1d9a0c-4b7e-4c1f-9a2d-3e4f5a6b7c8d", "conversation 7");
  expect(isApprovalId(id)).toBe(true);
  expect(shardOf(id)).toBe(shardOfSession("conversation 7"));
  expect(isKeptBy(id, "Chat.approvals")).toBe(true);
  expect(isKeptBy(id, "Other.approvals")).toBe(false);
  expect([isApprovalId(`${id}x`), isApprovalId(""), shardOf("x")]).toEqual([false, false, undefined]);
  const shards = new Set(Array.from({ length: 200 }, (_, n) => shardOfSession(`s${n}`)));
  expect([...shards].toSorted()).toEqual(["0", "1", "2", "3", "4", "5", "6", "7"]);
});

test("a retention that is none is refused", () => {
  expect(() => approvalObject("X", { retention: 0 })).toThrow(DefinitionError);
  expect(() => approvalObject("X", { retention: Number.NaN })).toThrow(/retention must be above 0/);
});

describe("a question", () => {
  test("is opened once, watched, and read", async () => {
    const keeper = new Keeper();
    const asked = question(1, { session, timeoutMs: 60_000, reason: "over budget" });
    const opened = await keeper.call<Approval>("open", asked);
    expect(opened).toEqual({
      id: asked.id,
      kind: "approval",
      state: "pending",
      agent: "a",
      session,
      invocationId: "inv_1",
      tool: "book",
      toolCallId: "c1",
      input: { n: 1 },
      reason: "over budget",
      requestedAt: "2026-11-28T12:00:00.000Z",
      expiresAt: "2026-11-28T12:01:00.000Z",
    });
    expect(keeper.commands).toContain("send Approvals/key/watch");
    expect(await keeper.call("open", asked)).toEqual(opened);
    expect((await list(keeper)).approvals).toEqual([opened]);
    expect(await keeper.call("get", asked.id)).toEqual(opened);
    expect(await keeper.call("get", question(2).id)).toBeNull();
  });

  test("has one answer, which wakes the run; later ones hear what holds", async () => {
    const keeper = new Keeper();
    const asked = question(1);
    await keeper.call("open", asked);
    const first = await keeper.call<AnswerResult>(
      "answer",
      answerTo(asked, false, { reason: "no", answeredBy: "ada" }),
    );
    expect(first).toMatchObject({
      result: "recorded",
      approval: {
        state: "denied",
        approved: false,
        answer: "no",
        answeredBy: "ada",
        answeredAt: "2026-11-28T12:00:00.000Z",
      },
    });
    expect(keeper.commands).toContain("complete-awakeable awakeable-1");
    const second = await keeper.call<AnswerResult>("answer", answerTo(asked, true));
    expect(second).toEqual({ ...first, result: "decided" });
    expect(keeper.commands).not.toContain("complete-awakeable awakeable-1");
    expect(await keeper.call<ApprovalDecision>("expire", { id: asked.id, approved: true })).toEqual({
      state: "denied",
      approved: false,
      reason: "no",
    });
    await keeper.call("close", { id: asked.id });
    expect(await keeper.call("get", asked.id)).toMatchObject({ state: "denied" });
    expect((await list(keeper)).approvals).toEqual([]);
    expect((await list(keeper, DECIDED)).approvals.length).toBe(1);
  });

  test("of another conversation is unknown", async () => {
    const keeper = new Keeper();
    const asked = question(1, { session });
    await keeper.call("open", asked);
    for (const other of [
      { service: "Chat", key: "d" },
      { service: "Other", key: "c" },
    ]) {
      expect(await keeper.call("answer", answerTo(asked, true, { session: other }))).toEqual({ result: "unknown" });
    }
    expect(await keeper.call("answer", answerTo(question(2), true))).toEqual({ result: "unknown" });
    const own_ = { service: "Chat", key: "c" };
    expect(await keeper.call("answer", answerTo(asked, true, { session: own_ }))).toMatchObject({ result: "recorded" });
  });

  test("that nobody knows any more does not hold a run up", async () => {
    expect(await new Keeper().call("expire", { id: question(1).id, approved: true })).toEqual({
      state: "cancelled",
      approved: false,
      reason: "The question was withdrawn",
    });
  });

  test.each([
    ["returns", (): unknown => "x"],
    [
      "fails",
      (): unknown => {
        throw new TerminalError("killed");
      },
    ],
  ])("is closed when its run %s", async (_, end) => {
    const keeper = new Keeper();
    await keeper.call("open", question(1));
    await keeper.call("open", question(2, { invocationId: "inv_2" }));
    await keeper.call("watch", "inv_1", { calls: () => end() });
    expect(keeper.commands).toEqual(["attach inv_1", "send Approvals/key/close"]);
    await keeper.call("close", { invocationId: "inv_1" });
    expect(await keeper.call("get", question(1).id)).toMatchObject({ state: "cancelled", approved: false });
    expect(await keeper.call("get", question(2).id)).toMatchObject({ state: "pending" });
  });

  test.each(["open", "answer"])("is in order wherever the process dies in %s", async (handler) => {
    const whole = new Keeper();
    if (handler === "answer") await whole.call("open", question(1));
    const { state } = whole;
    const input = handler === "open" ? question(1) : answerTo(question(1), true);
    const result = await whole.call(handler, input);
    for (let at = 1; at <= 12; at++) {
      const again = new Keeper();
      again.state = state;
      expect(await again.call(handler, input, { crashAt: [at], seed: at })).toEqual(result);
      expect(again.state).toEqual(whole.state);
    }
  });
});

describe("a large input", () => {
  const sizes = [1_000, 10_000, 60_000];

  test.each(sizes)("of %i characters is cut in the list, and whole on its own", async (size) => {
    const keeper = new Keeper();
    const input = { text: "x".repeat(size) };
    await keeper.call("open", question(1, { input }));
    expect(await keeper.call("get", question(1).id)).toMatchObject({ input });
    const [shown] = (await list(keeper)).approvals;
    const isCut = size > 2_000;
    expect(shown?.inputTruncated === true).toBe(isCut);
    if (isCut) expect(shown?.input).toBe(JSON.stringify(input).slice(0, 2_048));
    await keeper.call("answer", answerTo(question(1), true));
    expect(await keeper.call("get", question(1).id)).toMatchObject({ state: "approved", input });
  });

  test("that the run has cut already says so", async () => {
    const keeper = new Keeper();
    await keeper.call("open", question(1, { input: "y".repeat(65_536), inputTruncated: true }));
    const got = await keeper.call<Approval>("get", question(1).id);
    expect([(got.input as string).length, got.inputTruncated]).toEqual([65_536, true]);
  });
});

describe("many questions", () => {
  test("are listed newest first, filtered, page by page, the decided ones by their decision", async () => {
    const keeper = new Keeper();
    for (let n = 0; n < 230; n++) {
      keeper.nowMs += 1_000;
      await keeper.call(
        "open",
        question(n, { agent: n % 2 === 0 ? "even" : "odd", session: { ...session, key: `k${n % 3}` } }),
      );
    }
    for (let n = 0; n < 220; n++) {
      keeper.nowMs += 1_000;
      await keeper.call("answer", answerTo(question(n), n % 4 === 0));
    }
    expect((await list(keeper)).approvals.map(({ toolCallId }) => toolCallId)).toEqual(
      Array.from({ length: 10 }, (_, n) => `c${229 - n}`),
    );
    const { pending, recent, next } = keeper.read<ApprovalIndex>("index") ?? {};
    expect([pending?.length, recent?.length, next]).toEqual([10, 20, 2]);
    const seen: string[] = [];
    for (let before: { ms: number; id: string } | undefined; ;) {
      const { approvals } = await list(keeper, { ...DECIDED, before, limit: 50 });
      seen.push(...approvals.map(({ toolCallId }) => toolCallId));
      const last = approvals.at(-1);
      if (last === undefined) break;
      before = { ms: Date.parse(last.answeredAt ?? ""), id: last.id };
    }
    expect(seen).toEqual(Array.from({ length: 220 }, (_, n) => `c${219 - n}`));
    const odd = await list(keeper, { ...DECIDED, agent: "odd", session: "k1", limit: 3 });
    expect(odd.approvals.map(({ toolCallId }) => toolCallId)).toEqual(["c217", "c211", "c205"]);
    const approved = await list(keeper, { states: ["approved"], agent: "Chat", limit: 2 });
    expect(approved.approvals.map(({ toolCallId }) => toolCallId)).toEqual(["c216", "c212"]);
  });

  test("are forgotten when their time is over: then a late answer hears of nothing", async () => {
    const keeper = new Keeper();
    for (let n = 0; n < 130; n++) {
      await keeper.call("open", question(n, { input: { text: "x".repeat(5_000) } }));
      await keeper.call("answer", answerTo(question(n), true));
      expect(keeper.commands.filter((name) => name.endsWith("/sweep")).length).toBe(n === 0 ? 1 : 0);
    }
    await keeper.call("open", question(200));
    keeper.nowMs += 23 * 3_600_000;
    await keeper.call("sweep", undefined);
    expect(keeper.state.size).toBe(130 * 2 + 1 + 1 + 1);
    expect(keeper.commands).toContain("send Approvals/key/sweep");
    keeper.nowMs += 3_600_000;
    await keeper.call("sweep", undefined);
    expect([...keeper.state.keys()].toSorted()).toEqual(["index", `question/${question(200).id}`]);
    expect(keeper.commands).not.toContain("send Approvals/key/sweep");
    expect(await keeper.call("answer", answerTo(question(1), true))).toEqual({ result: "unknown" });
    expect(await keeper.call("answer", answerTo(question(200), true))).toMatchObject({ result: "recorded" });
    expect(keeper.commands.filter((name) => name.endsWith("/sweep")).length).toBe(1);
  });
});

test("the journal of an answer holds the index and the question, and no other question", async () => {
  const keeper = new Keeper();
  for (let n = 0; n < 125; n++) await keeper.call("open", question(n, { input: { text: "x".repeat(10_000) } }));
  const journal = new FakeJournal();
  await keeper.call("answer", answerTo(question(60), true), { journal });
  const bytes = [...keeper.state].filter(([name]) => name === "index" || name === `question/${question(60).id}`);
  console.log(`index of 125 pending: ${keeper.state.get("index")?.length} bytes`);
  expect(bytes.reduce((sum, [, value]) => sum + value.length, 0)).toBeLessThan(40_000);
});
