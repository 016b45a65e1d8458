/** Encryption on a real restate-server: what it stores, what the app's own face shows, keys that change. */
import { randomBytes } from "node:crypto";
import { afterEach, describe, expect, test } from "vitest";
import { answeredToolCalls, type RecordedRequest, type ScriptedReply } from "../../src/testing/scripted-openai.ts";
import { waitUntil } from "../../src/testing/wait.ts";
import { EncryptionStack, type Vars } from "./encryption-stack.ts";
import { shareOf } from "../thorough.ts";
import type { Runtime } from "./lab-stack.ts";

/** A word that nothing else contains, in all that the tests send. */
const MARK = `zebra${randomBytes(12).toString("hex")}`;
const key = (id: string): string => `${id}:${randomBytes(32).toString("base64")}`;

/** What agents and handlers make of it: each of them is stored by Restate. */
const STORED: readonly string[] = [
  `asked ${MARK}`,
  `said ${MARK}`,
  `result ${MARK}`,
  `refused ${MARK}`,
  `not now ${MARK}`,
  `at last ${MARK}`,
  `note ${MARK}`,
  `chatted ${MARK}`,
  `booked ${MARK}`,
  `stepped ${MARK}`,
  `stopped ${MARK}`,
  `answer ${MARK}`,
  `paper ${MARK}`,
  `signed ${MARK}`,
  `failed ${MARK}`,
  `mapped ${MARK}`,
  `titled ${MARK}`,
  `because ${MARK}`,
];

/** The tools of the helper one after the other; the one that needs an approval for the chat. */
function script(request: RecordedRequest): ScriptedReply {
  const isChat = JSON.stringify(request.body["input"]).includes("chatted");
  const tools = isChat ? ["book"] : ["look", "refuse", "flaky", "remember"];
  const n = answeredToolCalls(request);
  const name = tools[n];
  return name === undefined
    ? { text: `said ${MARK}` }
    : { toolCalls: [{ id: `call_${n}`, name, input: { id: MARK } }] };
}

let stack: EncryptionStack | undefined;
afterEach(async () => {
  await stack?.stop();
  stack = undefined;
});

/** Uses everything that Restate stores values for; every answer is readable at the app's own face. */
async function useAll(own: EncryptionStack): Promise<string> {
  expect(await own.get("/agents/Helper/run", { prompt: `asked ${MARK}` }, { "idempotency-key": "helper" })).toBe(
    `said ${MARK}`,
  );
  const prompts = JSON.stringify(own.openai.requests.map(({ body }) => body["input"]));
  // The model was told the reason, although it was stored unreadable.
  for (const text of ["result", "refused", "at last", "note"]) expect(prompts).toContain(`${text} ${MARK}`);
  expect(await own.get("/agents/Desk/work", MARK, { "idempotency-key": "desk" })).toBe(
    `stepped ${MARK}, 418 stopped ${MARK}, answer ${MARK}, note ${MARK}|note ${MARK}`,
  );
  expect(await own.ask("/agents/Desk/fail", MARK, { "idempotency-key": "fail" })).toMatchObject({
    status: 409,
    body: { code: "invocation-failed", detail: `failed ${MARK}`, error: { message: `failed ${MARK}` } },
  });
  const caught = await own.get<string>("/agents/Bare/ask", MARK, { "idempotency-key": "bare" });
  for (const text of ["failed", "mapped"]) expect(caught).toContain(`: TerminalError: ${text} ${MARK}`);
  expect(caught.split("[encrypted k1]")).toHaveLength(own.isEncrypted ? 3 : 1);
  const paper = await own.ask("/agents/Paper/p1/run", `paper ${MARK}`, { prefer: "respond-async" });
  expect(paper.status).toBe(202);
  await own.get("/agents/Paper/p1/sign", `signed ${MARK}`);
  const { id } = paper.body as { id: string };
  expect(await own.get(`/agents/invocations/${id}?wait=20`)).toBe(`paper ${MARK} signed ${MARK}`);
  const text = await chat(own);
  for (const expected of ["booked", "said", "titled"]) expect(text).toContain(`${expected} ${MARK}`);
  return id;
}

/** A turn with an approval; the text of its stream. */
async function chat(own: EncryptionStack): Promise<string> {
  const messages = [{ id: "m1", role: "user", parts: [{ type: "text", text: `chatted ${MARK}` }] }];
  const turn = own.ask("/chat/Chat/c1", { messages });
  let approval = "";
  const isAsked = async (): Promise<boolean> => {
    const { approvals } = await own.get<{ approvals: { id: string; state: string; input: unknown }[] }>("/approvals");
    const [first] = approvals;
    if (first === undefined) return false;
    expect(first.input).toEqual({ id: MARK });
    approval = first.id;
    return true;
  };
  await waitUntil("Nothing was asked", isAsked, { timeoutMs: 60_000, everyMs: 100 });
  await own.get(`/approvals/${approval}`, { approved: true, reason: `because ${MARK}` });
  const first = String((await turn).body);
  const isIdle = async (): Promise<boolean> => {
    const { state, title } = await own.get<{ state: string; title?: string }>("/chat/Chat/c1");
    return state === "idle" && title !== undefined;
  };
  await waitUntil("The turn does not end", isIdle, { timeoutMs: 60_000, everyMs: 100 });
  return first + JSON.stringify(await own.get("/chat/Chat/c1"));
}

/** Searches when the server was killed (its logs), and again after it was started and ended (its tables). */
async function searchAll(own: EncryptionStack, texts: readonly string[]): ReturnType<EncryptionStack["search"]> {
  await own.restate.kill();
  const killed = await own.search(texts);
  await own.restate.start();
  const started = await own.search(texts);
  return {
    found: [...new Set([...killed.found, ...started.found])].toSorted(),
    files: [...new Set([...killed.files, ...started.files])].toSorted(),
    bytes: killed.bytes,
  };
}

const CASES: readonly { readonly runtime: Runtime; readonly vars: Vars }[] = [
  { runtime: "workerd", vars: { JOURNAL_KEYS: key("k1") } },
  { runtime: "deno", vars: { JOURNAL_KEYS: key("k1") } },
];

describe("what Restate stores", () => {
  test("the search finds everything when nothing is encrypted", async () => {
    stack = await EncryptionStack.start("workerd", {}, script);
    await useAll(stack);
    const { found, files, bytes } = await searchAll(stack, STORED);
    console.log(`not encrypted: ${found.length} of ${STORED.length} texts in ${bytes} bytes, in ${files.join(", ")}`);
    expect(found).toEqual([...STORED].toSorted());
  });

  test.each(shareOf(CASES, 2, "what Restate stores"))(
    "nothing of it is in the server's files, on $runtime",
    async ({ runtime, vars }) => {
      stack = await EncryptionStack.start(runtime, vars, script);
      const paper = await useAll(stack);
      const { found, files, bytes } = await searchAll(stack, [MARK]);
      console.log(`encrypted on ${runtime}: ${found.length} texts in ${bytes} bytes`);
      expect({ found, files }).toEqual({ found: [], files: [] });
      // The data is there, and the search reads it: names are not encrypted.
      expect((await stack.search(["helper tool look call_0", "Notes"])).found).toHaveLength(2);
      await operates(stack, paper);
    },
  );
});

/** The app's admin routes decrypt. */
async function operates(own: EncryptionStack, paper: string): Promise<void> {
  const { values } = await own.get<{ values: Record<string, unknown> }>("/admin/state/Notes/n1");
  expect(values).toEqual({ note: { json: `note ${MARK}` } });
  const timeline = JSON.stringify(await own.get(`/admin/invocations/${paper}/timeline?payloads=true`));
  expect(timeline).toContain(`paper ${MARK} signed ${MARK}`);
  const { invocations } = await own.get<{
    invocations: { id: string; service: string; handler: string; failure?: string }[];
  }>("/admin/invocations?limit=100");
  const failed = invocations.find(({ handler }) => handler === "fail");
  expect(failed?.failure).toContain(`failed ${MARK}`);
  const helper = invocations.find(({ service }) => service === "Helper");
  const steps = await own.get(`/admin/invocations/${helper?.id}/timeline?payloads=true`);
  for (const text of ["result", "refused", "not now", "said"])
    expect(JSON.stringify(steps)).toContain(`${text} ${MARK}`);
  // Tokens are counted, so the model's steps were read.
  expect((steps as { totals: { inputTokens: number } }).totals.inputTokens).toBe(50);
}

const waited = (text: string): string => `first ${text}, failed ${text}, second ${text}, note ${text}|note ${text}`;

/** Invokes a handler without waiting for it; the invocation. */
async function begin(own: EncryptionStack, path: string, input: string, headers: Vars = {}): Promise<string> {
  const prefer = { prefer: "respond-async", "idempotency-key": `${path}-${input}`, ...headers };
  return (await own.get<{ id: string }>(`/agents/${path}`, input, prefer)).id;
}

async function isPaused(own: EncryptionStack, id: string): Promise<{ readonly message: string }> {
  const read = () => own.get<{ status: string; lastFailure: { message: string } }>(`/admin/invocations/${id}`);
  await waitUntil("It is not paused", async () => (await read()).status === "paused", {
    timeoutMs: 60_000,
    everyMs: 100,
  });
  return (await read()).lastFailure;
}

describe("keys that change", () => {
  const [old, next] = [key("old"), key("next")];

  test("runs in flight end well through all steps of a rotation, and the old key is needed no more", async () => {
    stack = await EncryptionStack.start("workerd", { JOURNAL_KEYS: old }, script);
    const stops: (() => Promise<void>)[] = [];
    const ids: string[] = [];
    const runs = async (step: string): Promise<void> => {
      for (let n = 0; n < 4; n++) if (stack !== undefined) ids.push(await begin(stack, "Desk/wait", `${step}${n}`));
    };
    try {
      await runs("a");
      // 1. Everyone can read the new key. 2. It encrypts. 3. The old one goes, when what it encrypted has gone.
      stops.push(await stack.deploy({ JOURNAL_KEYS: `${old},${next}` }));
      await runs("b");
      for (const [n, id] of ids.entries()) {
        const text = `${n < 4 ? "a" : "b"}${n % 4}`;
        expect(await stack.get(`/agents/invocations/${id}?wait=20`)).toBe(waited(text));
      }
      stops.push(await stack.deploy({ JOURNAL_KEYS: `${next},${old}` }));
      ids.length = 0;
      await runs("c");
      expect(await stack.get("/agents/Notes/of%20a0/read", "", { "idempotency-key": "read" })).toBe("note a0");
      for (const [n, id] of ids.entries()) {
        expect(await stack.get(`/agents/invocations/${id}?wait=20`)).toBe(waited(`c${n}`));
      }
      stops.push(await stack.deploy({ JOURNAL_KEYS: next }));
      expect(await stack.get("/agents/Desk/wait", "d", { "idempotency-key": "d" })).toBe(waited("d"));
    } finally {
      await Promise.all(stops.map((stop) => stop()));
    }
  });

  test("a key that was dropped too early pauses what needs it; with it back, nothing is lost", async () => {
    stack = await EncryptionStack.start("workerd", { JOURNAL_KEYS: old }, script);
    await stack.get("/agents/Notes/n1/keep", "kept", { "idempotency-key": "keep" });
    expect(await stack.get("/agents/Desk/wait", "e", { "idempotency-key": "e" })).toBe(waited("e"));
    const delayed = (
      await stack.get<{ id: string }>("/agents/Desk/wait?delay=25s", "f", {
        prefer: "respond-async",
        "idempotency-key": "f",
      })
    ).id;
    const stopOld = await stack.deploy({ JOURNAL_KEYS: next });
    const stops = [stopOld];
    try {
      // Its input was encrypted with the old key, and it runs where there is the new one alone.
      const failure = await isPaused(stack, delayed);
      expect(failure.message).toContain('encrypted with the key "old", and the keys here are: next');
      expect(failure.message).toContain("journal-key-unknown");
      // A state: a caller waits, and Restate does.
      const reading = await begin(stack, "Notes/n1/read", "");
      expect((await isPaused(stack, reading)).message).toContain("journal-key-unknown");
      // The app cannot read a result, and says why.
      expect(await stack.ask("/agents/Desk/wait", "e", { "idempotency-key": "e" })).toMatchObject({
        status: 503,
        body: { code: "journal-key-unknown" },
      });
      // Where the key is missing, the bytes are shown with its name.
      const { values } = await stack.get<{ values: Record<string, unknown> }>("/admin/state/Notes/n1");
      expect(values).toMatchObject({ note: { keyId: "old", base64: expect.any(String) as string } });

      stops.push(await stack.deploy({ JOURNAL_KEYS: `${next},${old}` }));
      for (const id of [delayed, reading]) {
        const { status } = await stack.ask(`/admin/invocations/${id}/resume?deployment=latest`, {});
        expect(status).toBeLessThan(300);
      }
      expect(await stack.get(`/agents/invocations/${delayed}?wait=30`)).toBe(waited("f"));
      expect(await stack.get(`/agents/invocations/${reading}?wait=30`)).toBe("kept");
    } finally {
      await Promise.all(stops.map((stop) => stop()));
    }
  });
});

describe("what is not encrypted", () => {
  test("what a serde says of a value that it cannot write or read is not told to Restate, and shown by the app", async () => {
    stack = await EncryptionStack.start("workerd", { JOURNAL_KEYS: key("k1") }, script);
    const own = stack;
    for (const [handler, how, reason] of [
      ["garble", "step", `cannot write ${MARK}`],
      ["garble", "call", `cannot write ${MARK}`],
      ["spoil", "step", `command 1): cannot read ${MARK}`],
      ["spoil", "signal", `journal: cannot read ${MARK}`],
    ] as const) {
      const { id } = await own.get<{ id: string }>(
        `/agents/Desk/${handler}`,
        { text: MARK, how },
        { prefer: "respond-async" },
      );
      const isPaused = async (): Promise<boolean> => {
        const [row] = await own.restate.query<{ status: string }>(
          `SELECT status FROM sys_invocation WHERE id = '${id}'`,
        );
        return row?.status === "paused";
      };
      await waitUntil("It is not paused", isPaused, { timeoutMs: 60_000, everyMs: 100 });
      const stored = JSON.stringify(
        await own.restate.query(`SELECT event_json FROM sys_journal_events WHERE id = '${id}'`),
      );
      expect(stored).toContain("[encrypted k1] ");
      expect(stored).not.toContain(MARK);
      expect(JSON.stringify(await own.get(`/admin/invocations/${id}/timeline`))).toContain(reason);
    }
  });

  test("a caller without keys is refused, and the invocation is not lost", async () => {
    stack = await EncryptionStack.start("workerd", { JOURNAL_KEYS: key("k1") }, script);
    const id = await stack.restate.send("Desk/wait", "g");
    const { message } = await isPaused(stack, id);
    expect(message).toContain("journal-plaintext");
    expect(message).not.toContain('"g"');
  });

  test("with `inputs` handlers take it from callers without keys; what they make of it is encrypted", async () => {
    const vars = { JOURNAL_KEYS: key("k1"), JOURNAL_PLAINTEXT: "inputs" };
    stack = await EncryptionStack.start("workerd", vars, script);
    const id = await stack.restate.send("Desk/wait", "h");
    const { body } = await stack.restate.attach(id, 30_000);
    expect(JSON.stringify(body)).not.toContain("first h");
    const timeline = await stack.get(`/admin/invocations/${id}/timeline?payloads=true`);
    expect(JSON.stringify(timeline)).toContain(waited("h"));
  });

  test("encryption is switched on while runs and states are there", async () => {
    stack = await EncryptionStack.start("workerd", {}, script);
    await stack.get("/agents/Notes/n1/keep", "before", { "idempotency-key": "keep" });
    const inFlight = [await begin(stack, "Desk/wait", "i")];
    const keys = key("k1");
    // 1. Everyone can read what is encrypted; the old version goes on beside it.
    const stops = [await stack.deploy({ JOURNAL_KEYS: keys, JOURNAL_PLAINTEXT: "write" })];
    try {
      inFlight.push(await begin(stack, "Desk/wait", "j"));
      expect(await stack.get(`/agents/invocations/${inFlight[0]}?wait=20`)).toBe(waited("i"));
      // 2. Everyone encrypts.
      stops.push(await stack.deploy({ JOURNAL_KEYS: keys, JOURNAL_PLAINTEXT: "accept" }));
      expect(await stack.get(`/agents/Notes/n1/read`, "", { "idempotency-key": "read" })).toBe("before");
      expect(await stack.get("/agents/Notes/n1/keep", "after", { "idempotency-key": "again" })).toBe("after|after");
      const [{ value } = { value: "" }] = await stack.restate.query<{ value: string }>(
        "SELECT encode(value, 'hex') AS value FROM state WHERE service_key = 'n1'",
      );
      expect(value).toMatch(/^ff4501026b31/);
      expect(await stack.get(`/agents/invocations/${inFlight[1]}?wait=20`)).toBe(waited("j"));
      // 3. Nothing else is taken any more.
      stops.push(await stack.deploy({ JOURNAL_KEYS: keys }));
      expect(await stack.get("/agents/Notes/n1/read", "", { "idempotency-key": "last" })).toBe("after");
    } finally {
      await Promise.all(stops.map((stop) => stop()));
    }
  });

  test("with malformed keys nothing is served, and nothing is sent as it is", async () => {
    stack = await EncryptionStack.start("workerd", {}, script);
    const stop = stack.endpoint;
    const before = await stack.restate.query<{ n: number }>("SELECT count(1) AS n FROM sys_invocation");
    try {
      await expect(stack.deploy({ JOURNAL_KEYS: "k1:short" })).rejects.toThrow();
      expect(await stack.ask("/agents/Desk/wait", MARK, { "idempotency-key": "x" })).toMatchObject({
        status: 503,
        body: { code: "invalid-settings" },
      });
      expect(await stack.ask("/health")).toMatchObject({ status: 200 });
      const ready = await stack.ask("/ready");
      expect(ready.status).toBe(503);
      expect(JSON.stringify(ready.body)).toContain("Cannot use the setting JOURNAL_KEYS");
      expect(await stack.restate.query("SELECT count(1) AS n FROM sys_invocation")).toEqual(before);
    } finally {
      await stop.stop();
    }
  });
});
