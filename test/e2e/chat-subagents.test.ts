/** A chat whose agent asks another one in its tool: the page sees what that does, and answers what it asks. */
import { DefaultChatTransport, isToolUIPart, type UIMessage } from "ai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createChatClient } from "../../src/client/index.ts";
import { type EffectServer, startEffectServer } from "../../src/testing/effect-server.ts";
import { type RestateTestServer, startRestate } from "../../src/testing/restate-server.ts";
import type { ScriptedReply } from "../../src/testing/scripted-reply.ts";
import { type ScriptedOpenAI, startScriptedOpenAI, turnOfConversation } from "../../src/testing/scripted-openai.ts";
import { type ServedEndpoint, serveWorker } from "../../src/testing/serve.ts";
import { plain } from "../unit/routes/chat/fold.ts";
import { ChatPage } from "./chat-page.ts";

const API_KEY = "key-of-the-subagents-chat";

let restate: RestateTestServer;
let worker: ServedEndpoint;
let openai: ScriptedOpenAI;
let effects: EffectServer;
const pages: ChatPage[] = [];
/** Kept by the test until the page shows what the scout has seen. */
const seen = Promise.withResolvers<void>();

beforeAll(async () => {
  effects = await startEffectServer();
  openai = await startScriptedOpenAI((request) => {
    const said = JSON.stringify(request.body["input"]);
    if (said.includes("look around")) return tour(said, turnOfConversation(request));
    const isClerk = said.includes("You are clerk.");
    const turn = turnOfConversation(request);
    if (!isClerk) {
      return turn === 0
        ? { text: "The clerk books.", toolCalls: [{ id: "ask", name: "clerk", input: { prompt: "book a and b" } }] }
        : { text: "All is booked." };
    }
    if (turn > 0) return { text: "Booked both, as they said.", chunkDelayMs: 60 };
    const toolCalls = ["a", "b"].map((id) => ({ id: `book-${id}`, name: "book", input: { id } }));
    return { text: "I look for seats first.", chunkDelayMs: 100, toolCalls };
  });
  restate = await startRestate();
  worker = await serveWorker({
    compatibilityFlags: ["nodejs_compat", "enable_request_signal"],
    entry: new URL("../fixtures/subagents/chat.ts", import.meta.url).pathname,
    vars: {
      ENVIRONMENT: "development",
      RESTATE_INGRESS_URL: restate.ingressUrl,
      RESTATE_ADMIN_URL: restate.adminUrl,
      OPENAI_BASE_URL: openai.baseURL,
      EFFECT_URL: effects.url,
      AGENT_API_KEYS: API_KEY,
    },
  });
  await restate.register(`${worker.url}/restate`, { http11: true });
}, 120_000);
afterAll(async () => {
  await Promise.all(pages.map((page) => page.close()));
  await Promise.all([restate.stop(), worker.stop(), openai.close(), effects.close()]);
});

/** The desk asks the guide, who asks the scout; both are elsewhere. The guide is told what the scout has said when the page has seen it. */
async function tour(said: string, turn: number): Promise<ScriptedReply> {
  const asks = (name: string) => [{ id: `to-${name}`, name, input: { prompt: "look around" } }];
  if (said.includes("You are scout.")) {
    return { text: "I see a hill far away." };
  }
  if (said.includes("You are guide.")) {
    if (turn === 0) return { text: "I send the scout.", toolCalls: asks("scout") };
    await seen.promise;
    return { text: "There is a hill." };
  }
  return turn === 0 ? { toolCalls: asks("guide") } : { text: "Go to the hill." };
}

function open(session: string): ChatPage {
  const transport = new DefaultChatTransport<UIMessage>({
    api: `${worker.url}/chat/Desk`,
    headers: { authorization: `Bearer ${API_KEY}` },
  });
  const page = new ChatPage({ session, transport });
  pages.push(page);
  return page;
}

/** The part of a call, as the page has it. */
function partOf({ last }: ChatPage, id: string) {
  return last?.parts.filter(isToolUIPart).find(({ toolCallId }) => toolCallId === id);
}

/** That of the clerk. */
function clerkPart(page: ChatPage) {
  return partOf(page, "ask");
}

/** The question that the page shows. */
function question(page: ChatPage): string | undefined {
  const part = clerkPart(page);
  return part?.state === "approval-requested" ? part.approval.id : undefined;
}

test("the page shows what the inner agent does, asks its questions one by one, and has one message in the end", async () => {
  const page = open("c1");
  await page.send("Book two seats");
  await page.until("The clerk's words are not shown", (now) => {
    const part = clerkPart(now);
    return part?.state === "output-available" && JSON.stringify(part.output).includes("I look for");
  });
  await page.until("Nobody is asked", (now) => question(now) !== undefined && now.chat.status === "ready");
  const first = question(page) ?? "";
  const client = createChatClient({ url: worker.url, agent: "Desk", apiKey: API_KEY });
  const asked = await client.approvals("c1");
  const wanted = asked.map(({ tool, input }) => `${tool} ${JSON.stringify(input)}`);
  expect(new Set(wanted)).toEqual(new Set(['book {"id":"a"}', 'book {"id":"b"}']));
  await page.chat.addToolApprovalResponse({ id: first, approved: true });
  await page.until("The second question does not come", (now) => {
    const next = question(now);
    return next !== undefined && next !== first && now.chat.status === "ready";
  });
  await page.chat.addToolApprovalResponse({ id: question(page) ?? "", approved: false, reason: "one is enough" });
  await page.until("The turn does not go on", ({ shown }) => shown.includes("All is booked."));
  await page.settled();
  expect(page.errors).toEqual([]);
  expect(effects.count("book")).toBe(1);
  expect(openai.count).toBe(4);
  expect(JSON.stringify(openai.requests.map(({ body }) => body["input"]))).toContain("one is enough");
  expect(clerkPart(page)).toMatchObject({ state: "output-available", output: "Booked both, as they said." });
  const { messages } = await client.get("c1");
  expect(plain(page.messages)).toEqual(plain([...messages]));
  const [, answer] = messages as { metadata?: { usage?: { totalTokens?: number } } }[];
  expect(answer?.metadata?.usage?.totalTokens).toBe(4 * 15);
});

test("the page shows what an agent does that runs elsewhere, and the one that it has asked, which does, too", async () => {
  const page = open("c2");
  await page.send("look around");
  await page.until("The scout's words are not shown", (now) => {
    const part = partOf(now, "to-guide");
    if (part?.state !== "output-available" || part.preliminary !== true) return false;
    const guide = part.output as UIMessage;
    const scout = guide.parts.filter(isToolUIPart).find(({ toolCallId }) => toolCallId === "to-scout");
    const said = JSON.stringify(guide.parts.filter(({ type }) => type === "text"));
    return said.includes("I send the scout.") && JSON.stringify(scout?.output ?? "").includes("I see a hill far away.");
  });
  seen.resolve();
  await page.until("The turn does not end", ({ shown }) => shown.includes("Go to the hill."));
  await page.settled();
  expect(page.errors).toEqual([]);
  const part = partOf(page, "to-guide");
  expect(part).toMatchObject({ state: "output-available", output: "There is a hill." });
  expect(part && "preliminary" in part && part.preliminary).not.toBe(true);
  const client = createChatClient({ url: worker.url, agent: "Desk", apiKey: API_KEY });
  const { messages } = await client.get("c2");
  expect(plain(page.messages)).toEqual(plain([...messages]));
  const [, answer] = messages as { metadata?: { usage?: { totalTokens?: number } } }[];
  expect(answer?.metadata?.usage?.totalTokens).toBe(5 * 15);
});
