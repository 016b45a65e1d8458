/** Encryption on a real restate-server: what it stores, what the app's own face shows, keys that change. */
import { randomBytes } from "node:crypto";
import { afterEach, describe, expect, test } from "vitest";
import { answeredToolCalls, type RecordedRequest, type ScriptedReply } from "../../src/testing/scripted-openai.ts";
import { waitUntil } from "../../src/testing/wait.ts";
import { EncryptionStack, type Vars } from "./encryption-stack.ts";
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
  const paper = await own.ask("/agents/Paper/p1/run", `paper ${MARK}`, { prefer: "respond-async" });
  expect(paper.status).toBe(202);
  await own.get("/agents/Paper/p1/sign", `signed ${MARK}`);
  const { id } = paper.body as { id: string };
  expect(await own.get(`/agents/invocations/${id}?wait=20`)).toBe(`paper ${MARK} signed ${MARK}`);
  const text = await chat(own);
  for (const expected of [`booked ${MARK}`, `said ${MARK}`]) expect(text).toContain(expected);
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
  await own.get(`/approvals/${approval}`, { approved: true });
  const first = String((await turn).body);
  const isIdle = async (): Promise<boolean> => {
    return (await own.get<{ state: string }>("/chat/Chat/c1")).state === "idle";
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

  test.each(CASES)("nothing of it is in the server's files, on $runtime", async ({ runtime, vars }) => {
    stack = await EncryptionStack.start(runtime, vars, script);
    const paper = await useAll(stack);
    const { found, files, bytes } = await searchAll(stack, [MARK]);
    console.log(`encrypted on ${runtime}: ${found.length} texts in ${bytes} bytes`);
    expect({ found, files }).toEqual({ found: [], files: [] });
    // The data is there, and the search reads it: names are not encrypted.
    expect((await stack.search(["helper tool look call_0", "Notes"])).found).toHaveLength(2);
    await operates(stack, paper);
  });
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
