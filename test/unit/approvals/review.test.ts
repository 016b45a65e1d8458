/** Who sees and answers whose approvals. Restate is a server that keeps them as the approval objects would. */
import { createHash } from "node:crypto";
import type { Context, Hono, MiddlewareHandler } from "hono";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { ListRequest } from "../../../src/approvals/approval-handlers.ts";
import { approvalId, shardOf } from "../../../src/approvals/approval-id.ts";
import { type IndexEntry, placeOf, select } from "../../../src/approvals/approval-index.ts";
import {
  agentSession,
  type Approval,
  approvalLink,
  approvalObject,
  DefinitionError,
  demoModel,
  RestateAgent,
} from "../../../src/index.ts";
import { type ApprovalOptions, createEdgeApp, type EdgeAppOptions } from "../../../routes/index.ts";
import { FakeRestate, type Reply, returned } from "../routes/agents/fake-restate.ts";

const SECRET = "a secret that is as long as it must";
const agent = new RestateAgent({ id: "demo", model: demoModel() });
const chat = agentSession("Chat", agent);
const hidden = agentSession("Hidden", agent);
const own = approvalObject("Own");
const auth: MiddlewareHandler = async (context, next) => {
  const caller = context.req.header("x-caller");
  if (caller !== undefined) context.set("caller", caller);
  await next();
};
const app = (options: Partial<EdgeAppOptions> = {}): Hono =>
  createEdgeApp({ services: [chat, hidden, own], publicServices: [chat], auth, log: false, ...options });
const reviewed = (mayReview: ApprovalOptions["mayReview"]): Hono => app({ approvals: { mayReview } });
const ownerOf = (caller: string): string => createHash("sha256").update(caller).digest("hex").slice(0, 32);
const prefixOf = (caller: string): string => `${ownerOf(caller)}:`;

/** What Restate has, by object and shard. */
const kept = new Map<string, Approval[]>();
let made = 0;
/** Most questions that an object looks at in one call. */
let lookedAt = Number.MAX_SAFE_INTEGER;
let restate: FakeRestate;
beforeAll(async () => {
  restate = await FakeRestate.start();
});
afterAll(() => restate.close());
beforeEach(() => {
  made = 0;
  lookedAt = Number.MAX_SAFE_INTEGER;
  kept.clear();
  restate.reset();
  restate.reply = ({ url, body }) => reply(url, JSON.parse(body));
  vi.stubEnv("RESTATE_INGRESS_URL", restate.url);
  vi.stubEnv("APPROVAL_LINK_SECRET", SECRET);
  vi.stubEnv("AGENT_API_KEYS", "");
});
afterEach(() => vi.unstubAllEnvs());

/** A pending question of this conversation, a second later than the one before. */
function ask(key: string | undefined, object = "Chat.approvals", more: Partial<Approval> = {}): Approval {
  made += 1;
  const id = approvalId(object, createHash("md5").update(String(made)).digest("hex"), key);
  const approval: Approval = {
    id,
    kind: "approval",
    state: "pending",
    agent: "demo",
    invocationId: "inv_1",
    tool: "book",
    toolCallId: `c${made}`,
    input: {},
    requestedAt: new Date(Date.UTC(2026, 0, 1) + made * 1_000).toISOString(),
    ...(key === undefined ? {} : { session: { service: "Chat", key, turn: "t" } }),
    ...more,
  };
  const place = `${object}/${shardOf(id)}`;
  kept.set(place, [...(kept.get(place) ?? []), approval]);
  return approval;
}

function reply(url: string, input: unknown): Reply {
  const [, , , object, shard, handler] = url.split("/");
  const approvals = kept.get(`${object}/${shard}`) ?? [];
  if (handler === "list") {
    const filter = input as ListRequest;
    const { states, before, limit } = filter;
    // Bounded, as chunks are: what is beyond comes with the next page.
    const looked = select(approvals.map(entryOf), { states, before, limit: lookedAt });
    const found = select(looked, filter);
    const last = found.length < limit ? (looked.length < lookedAt ? undefined : looked.at(-1)) : found.at(-1);
    const more = last === undefined ? undefined : placeOf(last);
    const listed = found.map(({ id }) => approvals.find((one) => one.id === id));
    return returned(JSON.stringify({ approvals: listed, more }));
  }
  const id = handler === "get" ? input : (input as { id: string }).id;
  const found = approvals.find((one) => one.id === id);
  if (handler === "get") return returned(JSON.stringify(found ?? null));
  if (found === undefined) return returned(JSON.stringify({ result: "unknown" }));
  const isNew = found.state === "pending";
  Object.assign(found, isNew ? { state: "approved", ...(input as object) } : {});
  return returned(JSON.stringify({ result: isNew ? "recorded" : "decided", approval: found }));
}

function entryOf({ id, state, agent: name, session, owner, invocationId, requestedAt }: Approval): IndexEntry {
  const requestedMs = Date.parse(requestedAt);
  return { id, state, agent: name, service: session?.service, session: session?.key, owner, invocationId, requestedMs };
}

async function get(one: Hono, caller: string | undefined, path: string, init: RequestInit = {}) {
  const headers = { "content-type": "application/json", ...(caller === undefined ? {} : { "x-caller": caller }) };
  const response = await one.request(`/approvals${path}`, { ...init, headers });
  const text = await response.text();
  return { status: response.status, text, body: JSON.parse(text) as Record<string, unknown> };
}
const answer = (one: Hono, caller: string | undefined, id: string, approved = true) =>
  get(one, caller, `/${id}`, { method: "POST", body: JSON.stringify({ approved }) });

/** Ids of all pages, and how many pages there were. */
async function listed(one: Hono, caller: string | undefined, query = "limit=50") {
  const ids: string[] = [];
  let before = "";
  for (let pages = 1; ; pages++) {
    const { status, body, text } = await get(one, caller, `?${query}${before}`);
    expect([status, text.includes(ownerOf("alice")) || text.includes(ownerOf("bob"))]).toEqual([200, false]);
    const { approvals, next } = body as unknown as { approvals: Approval[]; next?: string };
    ids.push(...approvals.map(({ toolCallId }) => toolCallId));
    if (next === undefined) return { ids, pages };
    expect(pages).toBeLessThan(200);
    before = `&before=${encodeURIComponent(next)}`;
  }
}

describe("a caller with a name", () => {
  test("sees and answers the approvals of the caller's own conversations; others are not there", async () => {
    const [alices, bobs, plain] = [ask(`${prefixOf("alice")}main`), ask(`${prefixOf("bob")}main`), ask("main")];
    const one = app();
    expect(await listed(one, "alice")).toEqual({ ids: ["c1"], pages: 1 });
    expect(await listed(one, "bob", "session=main")).toEqual({ ids: ["c2"], pages: 1 });
    expect(await listed(one, "carol")).toEqual({ ids: [], pages: 1 });
    expect((await get(one, "alice", `/${alices.id}`)).body["session"]).toEqual({
      service: "Chat",
      key: "main",
      turn: "t",
    });
    for (const other of [bobs, plain]) {
      const problem = { status: 404, body: { code: "approval-not-found" } };
      expect(await get(one, "alice", `/${other.id}`)).toMatchObject(problem);
      expect(await answer(one, "alice", other.id)).toMatchObject(problem);
      const unknown = approvalId("Chat.approvals", crypto.randomUUID());
      const [there, not] = await Promise.all([answer(one, "alice", other.id), answer(one, "alice", unknown)]);
      expect(there.text.replace(other.id, "ID")).toBe(not.text.replace(unknown, "ID"));
    }
    expect([bobs.state, plain.state]).toEqual(["pending", "pending"]);
    expect(restate.requests.filter(({ url }) => url.endsWith("/answer"))).toEqual([]);
    const first = await answer(one, "alice", alices.id);
    expect([first.status, first.body]).toMatchObject([200, { state: "approved", session: { key: "main" } }]);
    expect(first.text).not.toContain(prefixOf("alice"));
    const late = await answer(one, "alice", alices.id);
    expect([late.status, late.body]).toMatchObject([409, { approval: { session: { key: "main" } } }]);
    expect(late.text).not.toContain(prefixOf("alice"));
  });

  test("cannot get at another one's by the key that Restate knows", async () => {
    ask(`${prefixOf("bob")}main`);
    for (const key of [`${prefixOf("bob")}main`, `${prefixOf("alice")}main`]) {
      expect(await listed(app(), "alice", `session=${encodeURIComponent(key)}`)).toEqual({ ids: [], pages: 1 });
    }
  });

  test("does not see what another app's object, of an older version, does not leave out", async () => {
    ask(`${prefixOf("bob")}main`);
    restate.reply = ({ url }) =>
      returned(JSON.stringify({ approvals: kept.get(url.split("/").slice(3, 5).join("/")) ?? [] }));
    expect(await listed(app(), "alice")).toEqual({ ids: [], pages: 1 });
  });
});

test("behind auth, whom it does not name sees what is nobody's, and nothing of those with a name", async () => {
  const [alices, plain, bare] = [ask(`${prefixOf("alice")}main`), ask("main"), ask(undefined)];
  const one = app();
  expect((await listed(one, undefined)).ids).toEqual(["c3", "c2"]);
  expect((await get(one, undefined, `/${alices.id}`)).status).toBe(404);
  expect((await answer(one, undefined, alices.id)).status).toBe(404);
  expect((await get(one, undefined, `/${plain.id}`)).status).toBe(200);
  expect((await answer(one, undefined, bare.id)).status).toBe(200);
  const forged = await get(one, undefined, `?session=${encodeURIComponent(`${prefixOf("alice")}main`)}`);
  expect([forged.status, forged.body["code"]]).toEqual([400, "invalid-request"]);
});

describe("what a run asks that is in no conversation", () => {
  const askOf = (caller: string, session?: string): Approval => ask(session, "Own", { owner: ownerOf(caller) });
  const one = (): Hono => app({ publicServices: [chat, own], approvals: { mayReview: (who) => who === "ada" } });

  test("is of the caller who began the run, and a reviewer's", async () => {
    const alices = askOf("alice");
    // A conversation of no caller's own that her run speaks in.
    const shared = askOf("alice", "team");
    expect((await listed(one(), "alice")).ids).toEqual(["c2", "c1"]);
    expect((await listed(one(), "ada")).ids).toEqual(["c2", "c1"]);
    for (const caller of ["bob", undefined]) {
      expect((await listed(one(), caller)).ids).toEqual([]);
      expect((await get(one(), caller, `/${shared.id}`)).status).toBe(404);
      expect((await answer(one(), caller, alices.id)).status).toBe(404);
    }
    const answered = await answer(one(), "alice", alices.id);
    expect([answered.status, answered.text.includes(ownerOf("alice"))]).toEqual([200, false]);
  });

  test("a rule is told whose it is", async () => {
    askOf("alice");
    askOf("bob");
    const ruled = app({ publicServices: [own], approvals: { mayReview: () => async (_, isOf) => isOf("bob") } });
    expect((await listed(ruled, "ada")).ids).toEqual(["c2"]);
  });
});

describe("four eyes", () => {
  const one = (): Hono =>
    app({ publicServices: [chat, own], approvals: { fourEyes: true, mayReview: (who) => who === "ada" } });
  const refused = { status: 403, body: { code: "approval-own" } };

  test("who began it does not approve it, and may deny it; a reviewer does, but not the reviewer's own", async () => {
    const [talk, run] = [ask(`${prefixOf("alice")}main`), ask(undefined, "Own", { owner: ownerOf("alice") })];
    const adas = ask(undefined, "Own", { owner: ownerOf("ada") });
    for (const { id } of [talk, run]) expect(await answer(one(), "alice", id)).toMatchObject(refused);
    expect(await answer(one(), "ada", adas.id)).toMatchObject(refused);
    expect(restate.requests.filter(({ url }) => url.endsWith("/answer"))).toEqual([]);
    expect((await answer(one(), "ada", talk.id)).status).toBe(200);
    expect((await answer(one(), "alice", run.id, false)).status).toBe(200);
  });

  test("whom nobody names approves nothing; a question is answered by whom it is asked", async () => {
    const [plain, question] = [ask("main"), ask(`${prefixOf("alice")}main`, undefined, { kind: "question" })];
    expect(await answer(one(), undefined, plain.id)).toMatchObject(refused);
    expect((await answer(one(), "alice", question.id)).status).toBe(200);
    expect((await answer(one(), "ada", plain.id)).status).toBe(200);
  });
});

describe("a reviewer", () => {
  test("who may review all sees all, with the names of conversations that their owners know", async () => {
    const alices = ask(`${prefixOf("alice")}main`);
    ask("plain");
    const one = reviewed(async (caller) => Promise.resolve(caller === "ada"));
    expect((await listed(one, "ada")).ids).toEqual(["c2", "c1"]);
    expect((await get(one, "ada", `/${alices.id}`)).body["session"]).toMatchObject({ key: "main" });
    expect((await answer(one, "ada", alices.id)).body).toMatchObject({ state: "approved", answeredBy: "ada" });
    expect((await listed(one, "bob")).ids).toEqual([]);
  });

  test("of a rule sees what it says and the reviewer's own, and the rest is not there", async () => {
    const [alices, bobs] = [ask(`${prefixOf("alice")}main`), ask(`${prefixOf("bob")}main`)];
    ask(`${prefixOf("ada")}mine`);
    ask(undefined);
    const seen: unknown[] = [];
    const one = reviewed(() => async (approval, isOf) => {
      seen.push(approval.session?.key);
      return isOf("alice");
    });
    expect((await listed(one, "ada")).ids).toEqual(["c3", "c1"]);
    expect(new Set(seen)).toEqual(new Set(["main", undefined]));
    expect((await answer(one, "ada", bobs.id)).status).toBe(404);
    expect((await answer(one, "ada", alices.id)).status).toBe(200);
  });

  test("is asked about once a request, with the request", async () => {
    const asked: unknown[] = [];
    const one = reviewed((caller: string, context: Context) => {
      asked.push([caller, context.req.method]);
      return true;
    });
    ask("x");
    await listed(one, "ada");
    expect(asked).toEqual([["ada", "GET"]]);
  });

  test("whose rule gives something that is no true sees nothing for it", async () => {
    ask("x");
    const one = reviewed(() => (() => "yes") as never);
    expect((await listed(one, "ada")).ids).toEqual([]);
  });
});

test.each([
  ["a named caller", "alice", undefined, (n: number) => n % 3 === 0],
  [
    "a reviewer with a rule",
    "ada",
    () =>
      ({ toolCallId }: Approval) =>
        Number(toolCallId.slice(1)) % 7 === 0,
    undefined,
  ],
  [
    "a rule that lets nearly nothing pass",
    "ada",
    () =>
      ({ toolCallId }: Approval) =>
        toolCallId === "c2",
    undefined,
  ],
  ["whom nobody names", undefined, undefined, (n: number) => n % 3 === 2],
] as const)(
  "a list of %s leaves nothing out and has nothing twice, in pages of any size",
  async (_, who, rule, isOwn) => {
    const keys = [`${prefixOf("alice")}main`, `${prefixOf("bob")}x`, "plain"];
    for (let n = 0; n < 1_200; n++) ask(`${keys[n % 3]}${n % 5}`);
    const all = Array.from({ length: 1_200 }, (__, n) => n).toReversed();
    const review = rule?.();
    const wanted = all
      .filter((n) => isOwn?.(n) ?? review?.({ toolCallId: `c${n + 1}` } as Approval) ?? false)
      .map((n) => `c${n + 1}`);
    const one = reviewed(rule);
    for (const [limit, bound] of [
      [7, 13],
      [50, 5],
      [100, Number.MAX_SAFE_INTEGER],
    ] as const) {
      lookedAt = bound;
      restate.requests.splice(0);
      const { ids, pages } = await listed(one, who, `limit=${limit}`);
      expect(ids).toEqual(wanted);
      expect(restate.requests.length / pages).toBeLessThanOrEqual(5 * 8);
    }
  },
);

describe("approvals of what is not public", () => {
  const asKey = async (one: Hono, path: string, init: RequestInit = {}) => {
    vi.stubEnv("AGENT_API_KEYS", "an-api-key-of-the-tests");
    const headers = { authorization: "Bearer an-api-key-of-the-tests", "content-type": "application/json" };
    return one.request(path, { ...init, headers });
  };
  const post = { method: "POST", body: JSON.stringify({ approved: true }) };

  test("are not there: not in lists, not by their id, and not as an object to invoke", async () => {
    const questions = [ask("s", "Hidden.approvals"), ask(undefined, "Own")];
    const shown = ask("s");
    const one = app({ auth: undefined });
    const list = (await (await asKey(one, "/approvals")).json()) as { approvals: Approval[] };
    expect(list.approvals.map(({ id }) => id)).toEqual([shown.id]);
    for (const { id } of questions) {
      expect((await asKey(one, `/approvals/${id}`)).status).toBe(404);
      expect((await asKey(one, `/approvals/${id}`, post)).status).toBe(404);
      const object = id === questions[0]?.id ? "Hidden.approvals" : "Own";
      const body = JSON.stringify({ id, approved: true });
      expect((await asKey(one, `/agents/${object}/${shardOf(id)}/answer`, { ...post, body })).status).toBe(404);
    }
    expect(questions.map(({ state }) => state)).toEqual(["pending", "pending"]);
  });

  test("are served when the option says so, or the object is public, which nobody can invoke all the same", async () => {
    const [question, object] = [ask("s", "Hidden.approvals"), ask(undefined, "Own")];
    const given = app({ auth: undefined, approvals: { services: [hidden, own] } });
    const isPublic = app({ auth: undefined, publicServices: [hidden, own] });
    for (const one of [given, isPublic]) {
      expect((await asKey(one, `/approvals/${question.id}`)).status).toBe(200);
      expect((await asKey(one, `/approvals/${object.id}`)).status).toBe(200);
      const path = `/agents/Own/${shardOf(object.id)}/answer`;
      expect((await asKey(one, path, post)).status).toBe(404);
    }
    expect((await asKey(given, `/approvals/${object.id}`, post)).status).toBe(200);
  });

  test("are for those with a link, with or without routes for callers", async () => {
    const question = ask(undefined, "Own");
    const one = app({ publicServices: [] });
    expect((await get(one, "alice", "")).status).toBe(404);
    const link = new URL(
      await approvalLink(
        { ...question, requestedAt: new Date().toISOString() },
        { baseUrl: "https://x.test", secret: SECRET },
      ),
    );
    expect((await one.request(link.pathname + link.search)).status).toBe(200);
  });
});

test("options that cannot be are refused", () => {
  const stranger = approvalObject("Stranger");
  for (const services of [[stranger], [chat, stranger]]) {
    expect(() => app({ approvals: { services } })).toThrow(DefinitionError);
  }
  expect(() => app({ auth: undefined, approvals: { mayReview: () => true } })).toThrow(/mayReview needs auth/);
  expect(() => app({ approvals: { fourEyes: true } })).toThrow(/fourEyes needs approvals.mayReview/);
});
