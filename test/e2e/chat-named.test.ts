/**
 * Callers whom `auth` names, on a real stack: each has conversations and approvals of their own. The second half is what
 * somebody tries who knows everything: each operation of the document that takes a conversation, an approval or an
 * invocation must answer as if that did not exist.
 */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ALL_SHARDS, approvalId } from "../../src/approvals/approval-id.ts";
import type { ChatClient } from "../../src/client/chat-client.ts";
import { createChatClient } from "../../src/client/index.ts";
import type { Approval } from "../../src/index.ts";
import { waitUntil } from "../../src/testing/wait.ts";
import { ChatStack, streamed, textOf } from "./chat-stack.ts";
import { runtimesFor } from "./lab-stack.ts";
import { operationsOf, readDocument } from "./openapi/document.ts";

type Caller = "alice" | "bob" | "ada" | "tess" | "anonymous";

interface Asked {
  readonly status: number;
  readonly text: string;
}

const keyOf = (caller: Caller, session: string): string =>
  `${createHash("sha256").update(caller).digest("hex").slice(0, 32)}:${session}`;
const user = (id: string, text: string) => ({ id, role: "user", parts: [{ type: "text", text }] });
const isOfTrips = ({ agent }: Approval): boolean => agent === "trips";
const UNKNOWN_INVOCATION = "inv_1gOGkAD97RIn7jOf3unqt5pPR4B2uiEsVU";

describe.each(runtimesFor("callers with a name"))("callers with a name, on %s", (runtime) => {
  let stack: ChatStack;

  beforeAll(async () => {
    stack = await ChatStack.start(runtime, { app: "named" });
  }, 120_000);
  afterAll(() => stack.stop());
  beforeEach(() => {
    stack.reset();
    // Who says "book <id>" makes the model book, which needs an approval.
    stack.script = ({ body }) => {
      const said = JSON.stringify(body["input"]);
      const id = /book (\w+)/.exec(said)?.[1];
      if (id !== undefined && !said.includes("function_call_output")) {
        return { toolCalls: [{ id: `call_${id}`, name: "book", input: { id } }] };
      }
      return { text: `Told: ${/tell (\w+)/.exec(said)?.[1] ?? "nothing"}` };
    };
  });

  const as = (caller: Caller, path: string, init: RequestInit & { readonly json?: unknown } = {}): Promise<Response> =>
    stack.fetch(path, { ...init, headers: { authorization: `Bearer ${caller}` } });
  const chats = (caller: Caller): ChatClient =>
    createChatClient({ url: stack.endpoint.url, agent: "Chat", apiKey: caller });
  const ask = async (caller: Caller, method: string, path: string, json?: unknown): Promise<Asked> => {
    const response = await as(caller, path, { method, ...(json === undefined ? {} : { json }) });
    return { status: response.status, text: await response.text() };
  };
  const say = async (caller: Caller, session: string, id: string, text: string) =>
    streamed(await as(caller, `/chat/Chat/${encodeURIComponent(session)}`, { json: { messages: [user(id, text)] } }));
  const textsOf = async (caller: Caller, session: string): Promise<readonly string[]> =>
    (await chats(caller).get(session)).messages.map(textOf);

  /** A conversation of this caller with a turn that waits for a person. */
  async function waiting(caller: Caller, session: string, id: string): Promise<Approval> {
    await say(caller, session, id, `book ${id}`);
    const [approval] = await chats(caller).approvals(session);
    if (approval === undefined) throw new Error("Nobody is asked");
    return approval as Approval;
  }

  async function listOf(caller: Caller, query = ""): Promise<readonly Approval[]> {
    const { status, text } = await ask(caller, "GET", `/approvals?limit=100${query}`);
    expect([status, /[0-9a-f]{32}:/.test(text)]).toEqual([200, false]);
    return (JSON.parse(text) as { approvals: Approval[] }).approvals;
  }

  test("two who name a conversation alike have two, in everything that is said of it", async () => {
    await Promise.all([say("alice", "main", "m1", "tell apples"), say("bob", "main", "m1", "tell pears")]);
    await say("anonymous", "main", "m1", "tell plums");
    expect(await textsOf("alice", "main")).toEqual(["tell apples", "Told: apples"]);
    expect(await textsOf("bob", "main")).toEqual(["tell pears", "Told: pears"]);
    expect(await textsOf("anonymous", "main")).toEqual(["tell plums", "Told: plums"]);
    // Through the session's own handlers, too.
    const history = await ask("alice", "POST", "/agents/Chat/main/history", {});
    expect([history.status, history.text.includes("apples"), history.text.includes("pears")]).toEqual([
      200,
      true,
      false,
    ]);
    await chats("alice").update("main", { title: "Fruit" });
    expect([(await chats("alice").get("main")).title, (await chats("bob").get("main")).title]).toEqual([
      "Fruit",
      undefined,
    ]);
    const timeline = await ask("alice", "GET", "/chat/Chat/main/timeline");
    expect(JSON.parse(timeline.text)).toMatchObject({ invocation: { service: "Chat", key: "main", handler: "send" } });
    expect(timeline.text).not.toContain(keyOf("alice", "").slice(0, -1));
    const again = await streamed(await as("alice", "/chat/Chat/main/stream?turn=m1"));
    expect([again.isDone, JSON.stringify(again.events).includes("apples")]).toEqual([true, true]);
    // Restate has three.
    const rows = await stack.restate.query<{ service_key: string }>(
      "SELECT DISTINCT service_key FROM state WHERE service_name = 'Chat' AND service_key LIKE '%main'",
    );
    expect(new Set(rows.map(({ service_key: key }) => key))).toEqual(
      new Set([keyOf("alice", "main"), keyOf("bob", "main"), "main"]),
    );
    await chats("bob").reset("main");
    expect(await textsOf("bob", "main")).toEqual([]);
    expect(await textsOf("alice", "main")).toHaveLength(2);
  });

  test("what a run asks that is in no conversation is of the caller who began it", async () => {
    const sent = await ask("alice", "POST", "/agents/Trips/run?delay=1ms", "book t1");
    expect(sent.status).toBe(202);
    await waitUntil("Nobody is asked", async () => (await listOf("alice")).some(isOfTrips), { everyMs: 50 });
    const [asked] = (await listOf("alice")).filter(isOfTrips);
    for (const caller of ["bob", "anonymous"] as const) {
      expect((await listOf(caller)).filter(isOfTrips)).toEqual([]);
      for (const method of ["GET", "POST"]) {
        const json = method === "GET" ? undefined : { approved: true };
        expect((await ask(caller, method, `/approvals/${asked?.id}`, json)).status).toBe(404);
      }
    }
    expect((await listOf("ada")).filter(isOfTrips)).toHaveLength(1);
    expect((await ask("alice", "POST", `/approvals/${asked?.id}`, { approved: true })).status).toBe(200);
    await waitUntil("It is not booked", () => Promise.resolve(stack.effects.count("book", "t1") === 1));
  });

  test("a message for a busy conversation reaches the own one, and its turn is nobody else's to read", async () => {
    const approval = await waiting("alice", "steered", "s1");
    const sent = await ask("alice", "POST", "/agents/Chat/steered/send?delay=1ms", {
      message: "tell later",
      turn: "s2",
    });
    expect(sent.status).toBe(202);
    const { invocationId = "" } = await chats("alice").get("steered");
    expect((await ask("alice", "GET", `/agents/invocations/${invocationId}`)).status).toBe(202);
    expect((await ask("bob", "GET", `/agents/invocations/${invocationId}`)).status).toBe(404);
    await chats("alice").answer(approval.id, { approved: false });
    await waitUntil("The turns have not ended", async () => (await textsOf("alice", "steered")).length === 4, {
      timeoutMs: 60_000,
      everyMs: 100,
    });
    expect(stack.effects.count("book", "s1")).toBe(0);
  });

  test("approvals are for their owners, and for those who may review them", async () => {
    const alices = await waiting("alice", "trip", "a1");
    const bobs = await waiting("bob", "trip", "b1");
    expect((await listOf("alice")).map(({ id, session }) => [id, session?.key])).toEqual([[alices.id, "trip"]]);
    expect((await listOf("bob", "&session=trip")).map(({ id }) => id)).toEqual([bobs.id]);
    expect(await listOf("anonymous")).toEqual([]);
    expect((await listOf("ada")).map(({ id, session }) => [id, session?.key])).toEqual([
      [bobs.id, "trip"],
      [alices.id, "trip"],
    ]);
    expect((await listOf("tess")).map(({ id }) => id)).toEqual([bobs.id]);
    for (const caller of ["bob", "tess", "anonymous"] as const) {
      expect((await ask(caller, "POST", `/approvals/${alices.id}`, { approved: true })).status).toBe(404);
    }
    expect((await ask("tess", "POST", `/approvals/${bobs.id}`, { approved: true })).status).toBe(200);
    const byAda = await ask("ada", "POST", `/approvals/${alices.id}`, { approved: true });
    expect([byAda.status, JSON.parse(byAda.text)]).toMatchObject([
      200,
      { answeredBy: "ada", session: { key: "trip" } },
    ]);
    await waitUntil("It is not booked", async () => Promise.resolve(stack.effects.count("book", "a1") === 1), {
      timeoutMs: 30_000,
      everyMs: 50,
    });
    expect((await ask("alice", "POST", `/approvals/${alices.id}`, { approved: false })).status).toBe(409);
  });

  test("approvals of a session that is not public are nobody's, whatever a caller may review", async () => {
    await stack.restate.send("Hidden/h1/send", { message: "book h1", turn: "h1" });
    let hidden: Approval | undefined;
    await waitUntil(
      "Nobody is asked",
      async () => {
        for (const shard of ALL_SHARDS) {
          const request = { states: ["pending"], limit: 10 };
          const { body } = await stack.restate.call(`Hidden.approvals/${shard}/list`, request);
          hidden ??= (body as { approvals: Approval[] }).approvals[0];
        }
        return hidden !== undefined;
      },
      { timeoutMs: 60_000, everyMs: 200 },
    );
    const id = hidden?.id ?? "";
    expect((await listOf("ada")).some((approval) => approval.id === id)).toBe(false);
    for (const caller of ["ada", "anonymous"] as const) {
      expect((await ask(caller, "GET", `/approvals/${id}`)).status).toBe(404);
      expect((await ask(caller, "POST", `/approvals/${id}`, { approved: true })).status).toBe(404);
    }
    expect(stack.effects.count("book", "h1")).toBe(0);
  });

  test("JSON as deep as it may be is kept and told, wherever it comes; deeper it is refused", async () => {
    const nested = (levels: number): string => `${'{"a":['.repeat(levels / 2)}1${"]}".repeat(levels / 2)}`;
    const places = (levels: number): readonly (readonly [string, string, string])[] => [
      ["PATCH", "/chat/Chat/deep", `{"metadata":${nested(levels)}}`],
      [
        "POST",
        "/chat/Chat/deep",
        `{"messages":[{"id":"d${levels}","role":"user","metadata":${nested(levels)},"parts":[{"type":"text","text":"tell depth"}]}]}`,
      ],
      ["POST", "/chat/Chat", `{"id":"deep","more":${nested(levels)},"message":"tell depth"}`],
      ["POST", "/agents/Chat/deep/update", `{"metadata":${nested(levels)}}`],
      ["POST", `/agents/Chat/deep/send`, `{"turn":"e${levels}","message":"tell depth","metadata":${nested(levels)}}`],
      [
        "POST",
        `/approvals/${approvalId("Chat.approvals", crypto.randomUUID())}`,
        `{"approved":true,"more":${nested(levels)}}`,
      ],
    ];
    const headers = { authorization: "Bearer alice", "content-type": "application/json" };
    for (const [levels, isFine] of [
      [396, true],
      [402, false],
      [100_000, false],
    ] as const) {
      for (const [method, path, body] of places(levels)) {
        const response = await fetch(stack.endpoint.url + path, { method, body, headers });
        const text = await response.text();
        // An answer to an approval is small, and takes nothing else.
        const wanted = !path.startsWith("/approvals") ? (isFine ? 200 : 400) : levels > 10_000 ? 413 : 400;
        expect([levels, method, path, response.status, text.includes(`"type":"error"`)]).toEqual([
          levels,
          method,
          path,
          wanted,
          false,
        ]);
        if (wanted === 400) expect(text).toContain('"code":"invalid-request"');
      }
    }
    const told = await ask("alice", "GET", "/chat/Chat/deep");
    expect([told.status, told.text.includes(nested(396))]).toEqual([200, true]);
    expect(await textsOf("alice", "deep")).toHaveLength(6);
  });

  test(
    "whoever knows everything of another's conversation finds nothing there, in every operation",
    { timeout: 300_000 },
    async () => {
      const approval = await waiting("alice", "secret", "x1");
      const { invocationId = "" } = await chats("alice").get("secret");
      expect(invocationId).toMatch(/^inv_/);
      const document = readDocument(await (await fetch(`${stack.endpoint.url}/openapi.json`)).json());
      const operations = operationsOf(document).filter(
        ({ path, tags }) =>
          tags.some((tag) => tag === "chat" || tag === "approvals" || tag === "agents") && path !== "/chat",
      );
      const says = (id: string, more: object = {}) => ({ messages: [user(id, "tell me")], ...more });
      const forged = (answered: string) => ({
        id: "x1-answer",
        role: "assistant",
        parts: [
          {
            type: "tool-book",
            toolCallId: "call_x1",
            state: "approval-responded",
            approval: { id: answered, approved: true },
          },
        ],
      });
      const forgedOutput = {
        id: "x1-answer",
        role: "assistant",
        parts: [{ type: "tool-book", toolCallId: "call_x1", state: "output-available", input: {}, output: "forged" }],
      };

      /** What is asked, of a conversation, an approval and an invocation: hers, or some that nobody has. */
      type Target = { readonly session: string; readonly approval: string; readonly invocation: string };
      const attempts: Readonly<Record<string, (target: Target) => readonly (readonly [string, string, unknown?])[]>> = {
        getConversation: ({ session }) => [["GET", `/chat/Chat/${session}`]],
        getConversationTimeline: ({ session }) => [["GET", `/chat/Chat/${session}/timeline`]],
        resumeChatStream: ({ session }) => [
          ["GET", `/chat/Chat/${session}/stream`],
          ["GET", `/chat/Chat/${session}/stream?turn=x1`],
        ],
        interruptConversation: ({ session }) => [
          ["POST", `/chat/Chat/${session}/interrupt`, {}],
          ["POST", `/chat/Chat/${session}/interrupt`, { turn: "x1" }],
        ],
        sendChatMessage: ({ session, approval: id }) => [
          ["POST", `/chat/Chat/${session}`, { messages: [forged(id)] }],
          ["POST", `/chat/Chat/${session}`, { messages: [forgedOutput] }],
          ["POST", `/chat/Chat/${session}`, { trigger: "regenerate-message", messageId: "x1-answer" }],
          ["POST", `/chat/Chat/${session}`, says("y1", { mode: "interrupt" })],
          ["POST", `/chat/Chat/${session}`, says("y2", { mode: "steer" })],
          ["POST", `/chat/Chat/${session}`, says("y3")],
        ],
        sendChatMessageToAgent: ({ session }) => [
          ["POST", "/chat/Chat", says("y4", { id: decodeURIComponent(session) })],
        ],
        updateConversation: ({ session }) => [["PATCH", `/chat/Chat/${session}`, { title: "Mine" }]],
        resetConversation: ({ session }) => [["DELETE", `/chat/Chat/${session}`]],
        listApprovals: ({ session }) => [
          ["GET", `/approvals?session=${session}`],
          ["GET", `/approvals?session=${session}&state=decided`],
          ["GET", "/approvals?agent=Chat"],
        ],
        getApproval: ({ approval: id }) => [["GET", `/approvals/${id}`]],
        answerApproval: ({ approval: id }) => [["POST", `/approvals/${id}`, { approved: true }]],
        showApproval: ({ approval: id }) => [["GET", `/approvals/${id}/link?token=a.b`]],
        answerApprovalByLink: ({ approval: id }) => [["POST", `/approvals/${id}/link?token=a.b`]],
        getInvocationResult: ({ invocation }) => [["GET", `/agents/invocations/${invocation}?wait=1`]],
        cancelInvocationOfAgent: ({ invocation }) => [["DELETE", `/agents/invocations/${invocation}`]],
        invokeService: ({ session }) => [["POST", `/agents/Chat/${session}`, {}]],
        invokeObject: ({ session }) =>
          (
            [
              ["status", {}],
              ["history", { form: "ui" }],
              ["turns", { slots: [0] }],
              ["interrupt", { turn: "x1" }],
              ["steer", { message: "tell me", id: "y5" }],
              ["update", { title: "Mine" }],
              ["send", { message: "tell me", turn: "y6" }],
              ["reset", {}],
            ] as const
          ).flatMap(([handler, input]) => [
            ["POST", `/agents/Chat/${session}/${handler}`, input] as const,
            ["POST", `/agents/Chat.approvals/${session}/${handler}`, input] as const,
            ["POST", `/agents/Chat.inbox/${session}/${handler}`, input] as const,
          ]),
      };
      expect(Object.keys(attempts).toSorted()).toEqual(operations.map(({ operationId }) => operationId).toSorted());

      const nobodys: Target = {
        session: "nobody",
        approval: approvalId("Chat.approvals", crypto.randomUUID(), keyOf("alice", "secret")),
        invocation: UNKNOWN_INVOCATION,
      };
      let asked = 0;
      for (const [caller, names] of [
        ["bob", ["secret", keyOf("alice", "secret"), keyOf("bob", keyOf("alice", "secret"))]],
        ["anonymous", ["secret", keyOf("alice", "secret")]],
      ] as const) {
        for (const [at, name] of names.entries()) {
          const hers: Target = { session: encodeURIComponent(name), approval: approval.id, invocation: invocationId };
          // Of the same shape as the name: a forged key is refused as such, whether there is a conversation or not.
          const controlName = name.replace(/secret$/, "nobody").replace(keyOf("alice", ""), `${"0".repeat(32)}:`);
          const control: Target = { ...nobodys, session: encodeURIComponent(`${controlName}${at}`) };
          for (const [operationId, of] of Object.entries(attempts)) {
            const [real, none] = [of(hers), of(control)];
            for (const [n, [method, path, body]] of real.entries()) {
              const [, otherPath = "", otherBody] = none[n] ?? [];
              const got = await ask(caller, method, path, body);
              const other = await ask(caller, method, otherPath, otherBody);
              const what = `${operationId} as ${caller}: ${method} ${path}`;
              expect([what, normal(got, hers)]).toEqual([what, normal(other, control)]);
              expect([what, got.text.includes("book x1"), got.status < 500]).toEqual([what, false, true]);
              asked += 1;
            }
          }
        }
      }
      console.log(`${runtime}: ${asked} attempts, ${Object.keys(attempts).length} operations`);

      // She has noticed nothing.
      const { state, invocationId: stillId, messages, title } = await chats("alice").get("secret");
      expect([state, stillId, messages.map(textOf), title]).toEqual(["running", invocationId, ["book x1"], undefined]);
      expect((await chats("alice").approvals("secret")).map(({ id }) => id)).toEqual([approval.id]);
      await chats("alice").answer(approval.id, { approved: true });
      await waitUntil("The turn has not ended", async () => (await chats("alice").get("secret")).state === "idle", {
        timeoutMs: 60_000,
        everyMs: 100,
      });
      expect(await textsOf("alice", "secret")).toEqual(["book x1", "Told: nothing"]);
      expect(stack.effects.count("book", "x1")).toBe(1);
    },
  );
});

/** An answer without what differs between two conversations that nobody has had: names, ids, times. */
function normal({ status, text }: Asked, { session, approval, invocation }: Readonly<Record<string, string>>): unknown {
  let plain = text;
  for (const name of [session, decodeURIComponent(session ?? ""), approval, invocation]) {
    plain = plain.replaceAll(name ?? "", "NAME");
  }
  return {
    status,
    text: plain
      .replaceAll(/inv_\w+/g, "INVOCATION")
      .replaceAll(/msg_\d+/g, "ITEM")
      .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "UUID")
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
      .replaceAll(/"(durationMs|wallMs|providerMs|createdAt|startsAt)":[^,}]*/g, "")
      .replaceAll(/id: \d+\n/g, ""),
  };
}
