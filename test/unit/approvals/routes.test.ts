import type { Hono, MiddlewareHandler } from "hono";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { approvalId, shardOf } from "../../../src/approvals/approval-id.ts";
import { type Approval, approvalLink, approvalObject } from "../../../src/index.ts";
import { createEdgeApp, type EdgeAppOptions } from "../../../routes/index.ts";
import type { LogLine } from "../../../routes/operations/log.ts";
import { operationsOf, readDocument } from "../../e2e/openapi/document.ts";
import { echoService } from "../endpoint/echo-service.ts";
import { FakeRestate, refused, returned } from "../routes/agents/fake-restate.ts";

const KEY = "an-api-key-of-the-tests";
const SECRET = "a secret that is as long as it must";
const id = approvalId("Approvals", "6f1d9a0c-4b7e-4c1f-9a2d-3e4f5a6b7c8d");
const approval: Approval = {
  id,
  kind: "approval",
  state: "pending",
  agent: "travel",
  invocationId: "inv_1",
  tool: "book",
  toolCallId: "c1",
  input: { city: "<b>Oslo</b>" },
  requestedAt: new Date().toISOString(),
};

let restate: FakeRestate;
beforeAll(async () => {
  restate = await FakeRestate.start();
});
afterAll(() => restate.close());
beforeEach(() => {
  vi.stubEnv("AGENT_API_KEYS", KEY);
  vi.stubEnv("RESTATE_INGRESS_URL", restate.url);
  vi.stubEnv("APPROVAL_LINK_SECRET", SECRET);
  restate.requests.splice(0);
});
afterEach(() => vi.unstubAllEnvs());

const approvals = approvalObject("Approvals");
const app = (options: Partial<EdgeAppOptions> = {}): Hono =>
  createEdgeApp({ services: [echoService, approvals], approvals: { services: [approvals] }, log: false, ...options });
const ask = (path: string, init: Omit<RequestInit, "headers"> = {}, one: Hono = app()) =>
  one.request(path, {
    ...init,
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
  });
const post = (body: unknown): RequestInit => ({ method: "POST", body: JSON.stringify(body) });
const codeOf = async (answer: Response): Promise<unknown[]> => [
  answer.status,
  ((await answer.json()) as { code: string }).code,
];

test("without an object that keeps approvals there are no routes of them", async () => {
  const alone = app({ services: [echoService], approvals: {} });
  expect((await ask("/approvals", {}, alone)).status).toBe(404);
  const document = readDocument(await (await alone.request("/openapi.json")).json());
  expect(operationsOf(document).filter(({ path }) => path.startsWith("/approvals"))).toEqual([]);
});

test("the document describes them, and how to get in", async () => {
  const operations = operationsOf(readDocument(await (await app().request("/openapi.json")).json())).filter(
    ({ path }) => path.startsWith("/approvals"),
  );
  expect(
    operations.map(({ method, path, operationId, security = [] }) => [method, path, operationId, security]),
  ).toEqual([
    ["GET", "/approvals/{id}/link", "showApproval", []],
    ["POST", "/approvals/{id}/link", "answerApprovalByLink", []],
    ["GET", "/approvals", "listApprovals", [{ apiKey: [] }]],
    ["GET", "/approvals/{id}", "getApproval", [{ apiKey: [] }]],
    ["POST", "/approvals/{id}", "answerApproval", [{ apiKey: [] }]],
  ]);
  for (const { responses } of operations)
    expect(Object.keys(responses)).toEqual(expect.arrayContaining(["400", "404", "503"]));
});

test("nobody gets in without a key, and nobody at all where there are none", async () => {
  for (const [path, init] of [
    ["/approvals", {}],
    [`/approvals/${id}`, {}],
    [`/approvals/${id}`, post({ approved: true })],
  ] as const) {
    expect(await codeOf(await app().request(path, init))).toEqual([401, "unauthorized"]);
  }
  vi.stubEnv("AGENT_API_KEYS", "");
  expect(await codeOf(await ask("/approvals"))).toEqual([503, "api-keys-missing"]);
  expect(restate.requests).toEqual([]);
});

test("who has answered is whom auth names", async () => {
  restate.reply = () => returned(JSON.stringify({ result: "recorded", approval: { ...approval, state: "approved" } }));
  const auth: MiddlewareHandler = async (context, next) => {
    context.set("caller", "ada");
    await next();
  };
  const named = app({ auth, approvals: { services: [approvals], mayReview: () => true } });
  expect((await ask(`/approvals/${id}`, post({ approved: true, reason: "fine" }), named)).status).toBe(200);
  const [request] = restate.requests;
  expect(request?.url).toBe(`/restate/call/Approvals/${shardOf(id)}/answer`);
  expect(JSON.parse(request?.body ?? "")).toEqual({ id, approved: true, reason: "fine", answeredBy: "ada" });
});

test("an id of another object is unknown, without a call", async () => {
  const other = approvalId("Other", "6f1d9a0c-4b7e-4c1f-9a2d-3e4f5a6b7c8d");
  expect(await codeOf(await ask(`/approvals/${other}`, post({ approved: true })))).toEqual([404, "approval-not-found"]);
  expect(restate.requests).toEqual([]);
});

test("a list asks each key of each object, or the one of the conversation", async () => {
  restate.reply = () => returned(JSON.stringify({ approvals: [] }));
  const both = [approvalObject("A"), approvalObject("B")];
  const two = app({ services: both, publicServices: both, approvals: {} });
  expect(await (await ask("/approvals?agent=x&limit=7", {}, two)).json()).toEqual({ approvals: [] });
  expect(restate.requests.length).toBe(16);
  expect(JSON.parse(restate.requests[0]?.body ?? "")).toEqual({ states: ["pending"], agent: "x", limit: 8 });
  restate.requests.splice(0);
  await ask("/approvals?session=c1&state=decided", {}, two);
  expect(restate.requests.length).toBe(2);
  expect(JSON.parse(restate.requests[0]?.body ?? "")).toMatchObject({
    states: ["approved", "denied", "expired", "cancelled"],
    session: "c1",
  });
});

describe("when Restate", () => {
  test.each([
    ["is away", () => "cut" as const, 503, "restate-unreachable"],
    ["refuses", () => refused(404, "service not found"), 404, "restate-refused"],
    ["says that the call failed", () => refused(500, "broken", "invocation"), 502, "invocation-failed"],
    ["answers what is none", () => returned('{"result":"maybe"}'), 502, "restate-unexpected"],
  ])("%s", async (_, reply, status, code) => {
    restate.reply = reply;
    expect(await codeOf(await ask(`/approvals/${id}`, post({ approved: true })))).toEqual([status, code]);
  });
});

describe("a signed link", () => {
  const linkOf = async (options: object = {}): Promise<string> => {
    const link = await approvalLink(approval, { baseUrl: "https://x.test", secret: SECRET, ...options });
    return link.replace("https://x.test", "");
  };
  const form = (fields: Record<string, string>): RequestInit => ({ method: "POST", body: new URLSearchParams(fields) });

  test("shows what is asked, escaped, and answers nothing", async () => {
    restate.reply = () => returned(JSON.stringify(approval));
    const answer = await app().request(await linkOf());
    const text = await answer.text();
    expect(answer.status).toBe(200);
    expect(text).toContain("&lt;b&gt;Oslo&lt;/b&gt;");
    expect(text).not.toContain("<b>Oslo");
    expect(restate.requests.map(({ url }) => url)).toEqual([`/restate/call/Approvals/${shardOf(id)}/get`]);
    expect(answer.headers.get("referrer-policy")).toBe("no-referrer");
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });

  test("that may only deny has no other button, and does nothing else", async () => {
    restate.reply = () => returned(JSON.stringify(approval));
    const link = await linkOf({ decision: "deny" });
    const text = await (await app().request(link)).text();
    expect([text.includes('value="approve"'), text.includes('value="deny"')]).toEqual([false, true]);
    restate.requests.splice(0);
    expect(await codeOf(await app().request(link, form({ decision: "approve" })))).toEqual([
      403,
      "approval-link-invalid",
    ]);
    expect(restate.requests).toEqual([]);
  });

  test("that is not signed for this question is refused before anybody is called", async () => {
    const link = await linkOf();
    const other = approvalId("Approvals", "00000000-4b7e-4c1f-9a2d-3e4f5a6b7c8d");
    for (const forged of [link.replace(id, other), `${link}A`, link.replace(/token=.{10}/, "token=AAAAAAAAAA")]) {
      expect(await codeOf(await app().request(forged))).toEqual([403, "approval-link-invalid"]);
      expect(await codeOf(await app().request(forged, form({ decision: "approve" })))).toEqual([
        403,
        "approval-link-invalid",
      ]);
    }
    expect(restate.requests).toEqual([]);
  });

  test("is over when its time is", async () => {
    const link = await linkOf({ validFor: -1 });
    expect(await codeOf(await app().request(link))).toEqual([410, "approval-link-expired"]);
    expect(await codeOf(await app().request(link, form({ decision: "approve" })))).toEqual([
      410,
      "approval-link-expired",
    ]);
    const page = await app().request(link, { headers: { accept: "text/html,*/*" } });
    expect([page.status, (await page.text()).includes("not valid any more")]).toEqual([410, true]);
  });

  test("that a mail program has broken is a page for a person, too", async () => {
    const link = await linkOf();
    for (const broken of [link.replace(/\?.*/, ""), link.replace(id, id.slice(0, 20))]) {
      const page = await app().request(broken, { headers: { accept: "text/html,*/*" } });
      expect([page.status, page.headers.get("content-type")]).toEqual([400, "text/html; charset=utf-8"]);
      expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
      expect(await codeOf(await app().request(broken))).toEqual([400, "invalid-request"]);
    }
  });

  test("that shows a person a problem has its code in the log", async () => {
    const codes: unknown[] = [];
    const log = (line: LogLine): void => void (line.message === "request" && codes.push(line.code));
    const link = await linkOf({ validFor: -1 });
    expect((await app({ log }).request(link, { headers: { accept: "text/html" } })).status).toBe(410);
    expect(codes).toEqual(["approval-link-expired"]);
  });

  test("is not in use without a secret; one that is too short is a setting to be mended", async () => {
    const link = await linkOf();
    vi.stubEnv("APPROVAL_LINK_SECRET", "");
    expect(await codeOf(await app().request(link))).toEqual([404, "not-found"]);
    vi.stubEnv("APPROVAL_LINK_SECRET", "short");
    expect(await codeOf(await app().request(link))).toEqual([503, "invalid-settings"]);
  });

  test.each(["PUT", "PATCH", "DELETE", "OPTIONS"])("knows no %s, and says what it knows", async (method) => {
    const answer = await app().request(await linkOf(), { method });
    expect([answer.status, answer.headers.get("allow")]).toEqual([
      method === "OPTIONS" ? 204 : 405,
      "GET, HEAD, OPTIONS, POST",
    ]);
    if (method !== "OPTIONS") expect(await codeOf(answer)).toEqual([405, "method-not-allowed"]);
    expect(restate.requests).toEqual([]);
  });

  test("takes a form, and no more than one", async () => {
    const link = await linkOf();
    restate.reply = () => returned(JSON.stringify({ result: "recorded", approval: { ...approval, state: "denied" } }));
    const large = form({ decision: "deny", reason: "x".repeat(70_000) });
    expect(await codeOf(await app().request(link, large))).toEqual([413, "body-too-large"]);
    expect(await codeOf(await app().request(link, form({ decision: "deny", reason: "x".repeat(8_001) })))).toEqual([
      400,
      "invalid-request",
    ]);
    expect(await codeOf(await app().request(link, { method: "POST" }))).toEqual([415, "unsupported-media-type"]);
    expect(await codeOf(await app().request(link, form({})))).toEqual([400, "invalid-request"]);
    expect(restate.requests).toEqual([]);
    expect((await app().request(link, form({ decision: "deny" }))).status).toBe(200);
    expect(JSON.parse(restate.requests[0]?.body ?? "")).toEqual({ id, approved: false, answeredBy: "signed link" });
  });
});
