/** Invocations and state through the admin routes, in workerd, against a real Restate. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { waitUntil } from "../../src/testing/wait.ts";
import type { AdminAnswer } from "./admin-caller.ts";
import { OperatedStack } from "./operated-stack.ts";

interface Found {
  readonly invocations: readonly { readonly id: string; readonly target: string; readonly createdAt: string }[];
  readonly next?: string;
  readonly total?: number;
}

const UNKNOWN = "inv_1fjtoLCTZCOa6PB3PEmER3O4YJUE4aQCiR";
const A_TEXT: unknown = expect.any(String);
const A_NUMBER: unknown = expect.any(Number);
const matching = (pattern: RegExp): unknown => expect.stringMatching(pattern);
let stack: OperatedStack;
let restate: OperatedStack["restate"];
let ask: OperatedStack["ask"];

beforeAll(async () => {
  stack = await OperatedStack.start();
  ({ restate, ask } = stack);
});
afterEach(() => stack.refused.clear());
afterAll(() => stack.stop());

const list = async (query: string): Promise<Found> => {
  const { status, body } = await ask("GET", `/invocations?${query}`);
  expect([query, status, body]).toEqual([query, 200, body]);
  return body as Found;
};
const idsOf = ({ invocations }: Found): string[] => invocations.map(({ id }) => id);
const act = (id: string, action: string): Promise<AdminAnswer> => ask("POST", `/invocations/${id}/${action}`);

/** Starts the agent, which books in vain. */
const stuckClerk = async (): Promise<string> => {
  stack.refused.add("book b");
  const id = await restate.send("Clerk/run", "Book a room");
  await restate.waitForStatus(id, "backing-off");
  return id;
};

describe("an agent whose tool fails and is retried", () => {
  let id: string;
  let booking: number;

  test("is a timeline while it backs off", async () => {
    id = await stuckClerk();
    const { body } = await ask("GET", `/invocations/${id}/timeline`);
    expect(body).toMatchObject({
      journal: "whole",
      invocation: { id, status: "backing-off", service: "Clerk", handler: "run", nextRetryAt: A_TEXT },
      totals: { modelSteps: 2, toolSteps: 2, inputTokens: 220, outputTokens: 30, modelStepsCounted: 2, retries: 1 },
      failures: [{ message: "book b was refused", name: "clerk tool book call_b", paused: false }],
    });
    const { steps } = body as { steps: { index: number; kind: string }[] };
    expect(steps).toMatchObject([
      { kind: "input", index: 0 },
      {
        kind: "model",
        name: "clerk model 1",
        agent: "clerk",
        status: "completed",
        attempts: 1,
        retries: 0,
        durationMs: A_NUMBER,
        model: { model: "gpt-test", finishReason: "tool-calls", tokens: { input: 100, output: 20 } },
      },
      { kind: "tool", agent: "clerk", tool: "look", toolCallId: "call_a", status: "completed", attempts: 1 },
      { kind: "model", name: "clerk model 2" },
      {
        kind: "tool",
        name: "clerk tool book call_b",
        tool: "book",
        toolCallId: "call_b",
        status: "retrying",
        attempts: 1,
        retries: 1,
        lastFailure: { message: "book b was refused", errorCode: 500, at: A_TEXT },
      },
    ]);
    booking = steps.at(-1)?.index ?? -1;
    expect(JSON.stringify(body)).not.toMatch(/look a|Book a room/);
  });

  test("goes on when it is resumed, and its timeline keeps the failure", async () => {
    stack.refused.clear();
    expect(await act(id, "resume")).toMatchObject({ status: 202, body: { id, action: "resume" } });
    expect((await restate.attach(id, 20_000)).status).toBe(200);
    const { body } = await ask("GET", `/invocations/${id}/timeline?payloads=true`);
    expect(body).toMatchObject({
      invocation: { status: "completed", result: "success", completedAt: A_TEXT },
      totals: { modelSteps: 3, toolSteps: 2, inputTokens: 370, outputTokens: 38, modelStepsCounted: 3, retries: 1 },
    });
    expect((body as { steps: unknown[] }).steps).toMatchObject([
      { kind: "input" },
      { kind: "model", name: "clerk model 1" },
      { kind: "tool", tool: "look", output: "look a" },
      { kind: "model", name: "clerk model 2" },
      {
        kind: "tool",
        tool: "book",
        status: "completed",
        attempts: 2,
        retries: 1,
        output: "book b",
        lastFailure: { message: "book b was refused" },
      },
      { kind: "model", name: "clerk model 3", status: "completed", model: { finishReason: "stop" } },
      { kind: "output", status: "completed", output: "It is booked" },
    ]);
  });

  test("runs again from one of its steps, as a new invocation", async () => {
    const looked = stack.effects.count("look", "a");
    const booked = stack.effects.count("book", "b");
    const { status, body } = await act(id, `restart?from=${booking}&deployment=latest`);
    expect([status, body]).toMatchObject([201, { id, action: "restart", newId: matching(/^inv_1/) }]);
    const { newId } = body as { newId: string };
    expect((await restate.attach(newId, 20_000)).body).toBe("It is booked");
    expect(stack.effects.count("look", "a")).toBe(looked);
    expect(stack.effects.count("book", "b")).toBe(booked + 1);
    const found = await ask("GET", `/invocations/${newId}`);
    expect(found.body).toMatchObject({ invokedBy: { kind: "restart_as_new" }, restartedFrom: id });
    expect(await act(UNKNOWN, "restart")).toMatchObject({ status: 404, body: { code: "invocation-not-found" } });
  });

  test("has a journal in pages, and payloads on request, without the values of headers", async () => {
    const first = await ask("GET", `/invocations/${id}/journal?limit=3`);
    expect(first.body).toMatchObject({ entries: [{ type: "Command: Input" }, { name: "clerk model 1" }, {}], next: 2 });
    expect(JSON.stringify(first.body)).not.toContain("payload");
    const rest = await ask("GET", `/invocations/${id}/journal?after=2&payloads=true`);
    const { entries } = rest.body as { entries: { index: number; payload: unknown }[] };
    expect(entries[0]?.index).toBe(3);
    expect(entries.at(-1)?.payload).toMatchObject({
      Command: { Output: { result: { Success: { json: "It is booked" } } } },
    });
    const { body } = await ask("GET", `/invocations/${id}/journal?limit=1&payloads=true`);
    const { payload } =
      (body as { entries: { payload: { Command: { Input: { headers: unknown[] } } } }[] }).entries[0] ?? {};
    expect(payload?.Command.Input.headers).toContain("content-type");
    expect(JSON.stringify(payload)).not.toContain("application/json");
  });

  test("keeps its result when its journal is purged, and is unknown when all of it is", async () => {
    expect(await act(id, "purge-journal")).toMatchObject({ status: 202 });
    const { body } = await ask("GET", `/invocations/${id}/timeline`);
    expect(body).toMatchObject({ journal: "absent", steps: [], invocation: { result: "success" } });
    expect(await act(id, "purge")).toMatchObject({ status: 202 });
    for (const path of ["", "/timeline", "/journal"]) {
      const answer = await ask("GET", `/invocations/${id}${path}`);
      expect(answer).toMatchObject({ status: 404, body: { code: "invocation-not-found" } });
    }
  });
});

test("an invocation is paused, and resumed on another deployment", async () => {
  const id = await stuckClerk();
  expect(await act(id, "pause")).toMatchObject({ status: 202 });
  await restate.waitForStatus(id, "paused");
  expect((await ask("GET", `/invocations/${id}/timeline`)).body).toMatchObject({
    invocation: { status: "paused" },
    steps: [{}, {}, {}, {}, { tool: "book", status: "paused", lastFailure: { message: "book b was refused" } }],
  });
  const before = (await ask("GET", `/invocations/${id}`)).body as { deploymentId: string };
  await restate.register(`${stack.worker.url.replace("127.0.0.1", "localhost")}/restate`, { http11: true });
  stack.refused.clear();
  expect(await act(id, "resume?deployment=dp_11111111111111111111111")).toMatchObject({
    status: 400,
    body: { code: matching(/^(restate-refused|invalid-request)$/) },
  });
  expect(await act(id, "resume?deployment=latest")).toMatchObject({ status: 202 });
  expect((await restate.attach(id, 20_000)).body).toBe("It is booked");
  const after = (await ask("GET", `/invocations/${id}`)).body as { deploymentId: string };
  expect(after.deploymentId).not.toBe(before.deploymentId);
  const { invocations } = await list(`deployment=${after.deploymentId}`);
  expect(invocations.map((found) => found.id)).toContain(id);
  expect(idsOf(await list(`deployment=${before.deploymentId}`))).not.toContain(id);
});

test("what Restate refuses says why", async () => {
  const id = await restate.send("Desk/note", "x");
  await restate.attach(id);
  for (const action of ["cancel", "kill", "pause", "resume"]) {
    expect(await act(id, action)).toMatchObject({ status: 409, body: { code: "restate-refused" } });
    expect(await act(UNKNOWN, action)).toMatchObject({ status: 404, body: { code: "invocation-not-found" } });
  }
  const waiting = await restate.send("Desk/approve");
  await restate.waitForStatus(waiting, "suspended");
  for (const action of ["purge", "purge-journal", "restart"]) {
    expect(await act(waiting, action)).toMatchObject({ status: 409, body: { code: "restate-refused" } });
  }
  expect(await act(waiting, "cancel")).toMatchObject({ status: 202 });
  expect((await restate.attach(waiting, 20_000)).status).toBe(409);
  const { body } = await ask("GET", `/invocations/${waiting}/timeline`);
  expect(body).toMatchObject({ steps: [{}, { kind: "cancel" }, { kind: "output", status: "failed" }] });
});

test("a suspended invocation shows the awakeable that it waits for, and ends when that is resolved", async () => {
  const id = await restate.send("Desk/approve");
  await restate.waitForStatus(id, "suspended");
  const { body } = await ask("GET", `/invocations/${id}/timeline`);
  const awakeable = (body as { steps: { kind: string; name: string; status: string }[] }).steps.at(-1);
  expect(awakeable).toMatchObject({ kind: "awakeable", status: "waiting", name: matching(/^sign_1/) });
  await restate.resolveAwakeable(awakeable?.name ?? "", "yes");
  expect((await restate.attach(id, 20_000)).body).toBe("yes");
});

test("every filter finds what it names, and nothing else", async () => {
  // Restate's clock moves in steps of a few milliseconds, so "since" is a time that Restate itself gave.
  const marker = await restate.send("Desk/note", "from here");
  const since = (await list(`id=${marker}`)).invocations[0]?.createdAt ?? "";
  const note = await restate.send("Desk/note", "x", { idempotencyKey: "it's a 'key' -- \" %" });
  const relay = await restate.send("Desk/relay", "x");
  const object = await restate.send("Notebook/o'hara/write", "text");
  await Promise.all([note, relay, object].map((id) => restate.attach(id)));
  const stuck = await stuckClerk();
  const callee = (await list(`invokedById=${relay}`)).invocations[0]?.id;
  const among = async (query: string): Promise<string[]> =>
    idsOf(await list(`${query}&createdAfter=${since}`))
      .filter((id) => id !== marker)
      .toSorted();
  const sorted = (...ids: (string | undefined)[]): string[] => ids.map(String).toSorted();
  expect(await among("service=Desk")).toEqual(sorted(note, relay));
  expect(await among("service=Desk&handler=note")).toEqual([note]);
  expect(await among("handler=note")).toEqual(sorted(note, callee));
  expect(await among("key=o%27hara")).toEqual([object]);
  expect(await among("status=backing-off,paused")).toEqual([stuck]);
  expect(await among("status=completed&status=backing-off")).toEqual(sorted(note, relay, callee, object, stuck));
  expect(await among(`id=${note}`)).toEqual([note]);
  expect(await among(`id=${note.slice(0, 20)}`)).toEqual([note]);
  expect(await among(`idempotencyKey=${encodeURIComponent("it's a 'key' -- \" %")}`)).toEqual([note]);
  expect(await among("idempotencyKey=%25")).toEqual([]);
  expect(await among("invokedBy=service")).toEqual([callee]);
  expect(await among("failing=true")).toEqual([stuck]);
  expect(await among("failing=false")).toEqual(sorted(note, relay, callee, object));
  expect(await among("service=Desk&key=o%27hara")).toEqual([]);
  const { createdAt = "" } = (await list(`id=${relay}`)).invocations[0] ?? {};
  expect(await among(`createdBefore=${createdAt}`)).not.toContain(relay);
  expect(idsOf(await list(`createdAfter=${createdAt}`))).toContain(relay);
  await act(stuck, "kill");
});

test("pages show each invocation once while others arrive", async () => {
  const send = (n: number): Promise<string> => restate.send("Desk/note", n);
  const ids = await Promise.all(Array.from({ length: 120 }, (_, n) => send(n)));
  const since = (await list("service=Desk&order=oldest&limit=1")).invocations[0]?.createdAt ?? "";
  for (const order of ["newest", "oldest"]) {
    const seen: string[] = [];
    let cursor = "";
    do {
      const { invocations, next, total } = await list(
        `service=Desk&createdAfter=${since}&limit=25&order=${order}&total=${cursor === ""}${cursor === "" ? "" : `&cursor=${cursor}`}`,
      );
      if (cursor === "") expect(total).toBeGreaterThanOrEqual(120);
      expect(invocations.length).toBeLessThanOrEqual(25);
      seen.push(...invocations.map(({ id }) => id));
      // The pages that begin with the oldest have an end only because no more arrive.
      if (seen.length < 100) await send(-1);
      cursor = next ?? "";
    } while (cursor !== "");
    expect(new Set(seen).size).toBe(seen.length);
    expect(ids.filter((id) => !seen.includes(id))).toEqual([]);
  }
  const wrong = await list("service=Desk&limit=1");
  expect(await ask("GET", `/invocations?order=oldest&cursor=${wrong.next}`)).toMatchObject({ status: 400 });
  expect(await ask("GET", "/invocations?limit=501")).toMatchObject({ status: 400 });
});

describe("batches", () => {
  test("by ids tell what happened to each", async () => {
    const waiting = await Promise.all([1, 2, 3].map(() => restate.send("Desk/approve")));
    const done = await restate.send("Desk/note", "x");
    await restate.attach(done);
    const { status, body } = await ask("POST", "/invocations/batch", {
      action: "cancel",
      ids: [...waiting, done, UNKNOWN, "nonsense'"],
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      matched: 6,
      done: 3,
      items: [
        ...waiting.map((id) => ({ id, done: true })),
        { id: done, done: false, code: "restate-refused", reason: matching(/completed/) },
        { id: UNKNOWN, done: false, code: "invocation-not-found" },
        { id: "nonsense'", done: false, code: "invocation-not-found" },
      ],
    });
    for (const id of waiting) expect((await restate.attach(id, 20_000)).status).toBe(409);
  });

  test("by filter count first, and do nothing above their bound", async () => {
    const waiting = await Promise.all([1, 2, 3].map(() => restate.send("Desk/approve")));
    for (const id of waiting) await restate.waitForStatus(id, "suspended");
    const request = { action: "kill", filter: { service: "Desk", handler: "approve", status: "suspended" } };
    const post = (more: object): Promise<AdminAnswer> => ask("POST", "/invocations/batch", { ...request, ...more });
    expect(await post({})).toMatchObject({ status: 400 });
    expect(await post({ filter: {}, atMost: 10 })).toMatchObject({ status: 400 });
    expect(await post({ atMost: 10, dryRun: true })).toMatchObject({
      body: { dryRun: true, matched: 3, done: 0, items: [] },
    });
    expect(await post({ atMost: 2 })).toMatchObject({ status: 400, body: { code: "invalid-request" } });
    expect((await list("handler=approve&status=suspended")).invocations).toHaveLength(3);
    expect(await post({ atMost: 3 })).toMatchObject({ status: 200, body: { matched: 3, done: 3 } });
    for (const id of waiting) await restate.waitForStatus(id, "completed");
    expect(await post({ action: "restart", atMost: 3 })).toMatchObject({ body: { matched: 0 } });
  });

  test("restart completed invocations, each as a new one", async () => {
    const ids = await Promise.all([1, 2].map((n) => restate.send("Desk/note", n)));
    for (const id of ids) await restate.attach(id);
    for (const more of [{}, { from: 1, deployment: "latest" }]) {
      const { body } = await ask("POST", "/invocations/batch", { action: "restart", ids, ...more });
      const { items } = body as { items: { newId: string }[] };
      const results = await Promise.all(items.map(({ newId }) => restate.attach(newId)));
      expect(results.map((result) => result.body)).toEqual([1, 2]);
    }
  });
});

describe("state", () => {
  const values = { text: { json: "one" }, list: { json: [1, { a: null }] }, raw: { base64: "/wA=" } };

  test("is read, replaced, and not replaced when it has changed", async () => {
    await restate.call("Notebook/ada/write", "zero");
    const { body, headers } = await ask("GET", "/state/Notebook/ada");
    expect(body).toMatchObject({ service: "Notebook", key: "ada", values: { text: { json: "zero" } } });
    const etag = headers.get("etag") ?? "";
    const replaced = await ask("PUT", "/state/Notebook/ada", { values }, { "if-match": etag });
    expect(replaced).toMatchObject({ status: 200, body: { applied: true } });
    expect(await ask("GET", "/state/Notebook/ada")).toMatchObject({ body: { values } });
    expect(await ask("GET", "/state/Notebook/ada/values/raw")).toMatchObject({ body: { base64: "/wA=" } });
    const stale = await ask("PUT", "/state/Notebook/ada", { values: {} }, { "if-match": etag });
    expect(stale).toMatchObject({ status: 409, body: { code: "state-changed" } });
    expect(await ask("GET", "/state/Notebook/ada")).toMatchObject({ body: { values } });
    const next = { "if-match": replaced.headers.get("etag") ?? "" };
    expect(await ask("PUT", "/state/Notebook/ada", { values: { text: { json: "two" } } }, next)).toMatchObject({
      status: 200,
    });
    expect((await ask("GET", "/state/Notebook/ada")).body).toMatchObject({ values: { text: { json: "two" } } });
    expect(await ask("GET", "/state/Notebook/ada/values/raw")).toMatchObject({ status: 404 });
  });

  test("of an object at work is replaced when that has ended", async () => {
    stack.refused.add("hold busy");
    const id = await restate.send("Notebook/busy/hold");
    await restate.waitForStatus(id, "backing-off");
    expect(await ask("PUT", "/state/Notebook/busy", { values })).toMatchObject({
      status: 202,
      body: { applied: false },
    });
    await act(id, "kill");
    const isApplied = async (): Promise<boolean> => {
      const { body } = await ask("GET", "/state/Notebook/busy");
      return "text" in (body as { values: object }).values;
    };
    await waitUntil("The state is not replaced", isApplied, { timeoutMs: 10_000, everyMs: 50 });
  });

  test("is listed by key, in pages; keys may be any text", async () => {
    for (const key of ["o'hara", "a/b?c", "ü ✓"]) {
      expect(await ask("PUT", `/state/Notebook/${encodeURIComponent(key)}`, { values })).toMatchObject({ status: 200 });
    }
    const keys: string[] = [];
    for (let after = ""; ;) {
      const query = after === "" ? "" : `&after=${encodeURIComponent(after)}`;
      const { body } = await ask("GET", `/state/Notebook?limit=2${query}`);
      const page = body as { objects: { key: string; values: number; bytes: number }[]; next?: string };
      keys.push(...page.objects.map(({ key }) => key));
      if (page.next === undefined) break;
      after = page.next;
    }
    expect(keys).toEqual(["a/b?c", "ada", "busy", "o'hara", "ü ✓"]);
    expect(await ask("GET", "/state/Nothing")).toMatchObject({ status: 200, body: { objects: [] } });
    expect(await ask("PUT", "/state/Nothing/x", { values })).toMatchObject({
      status: 404,
      body: { code: "restate-refused" },
    });
    expect(await ask("PUT", "/state/Desk/x", { values })).toMatchObject({
      status: 400,
      body: { code: "restate-refused" },
    });
    expect(await ask("PUT", "/state/Notebook/x", { values: { a: { base64: "?" } } })).toMatchObject({ status: 400 });
  });
});
