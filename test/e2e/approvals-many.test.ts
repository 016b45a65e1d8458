/** What 1,000 pending questions (in a thorough run; else 181) with inputs of 10 KB cost on Workers, where state is uploaded with the requests. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CountingProxy, startCountingProxy } from "../../bench/usage/counting-proxy.ts";
import type { OpenRequest } from "../../src/approvals/approval-handlers.ts";
import { approvalId, shardOf } from "../../src/approvals/approval-id.ts";
import { times } from "../thorough.ts";
import { ApprovalsStack, call } from "./approvals-stack.ts";

const PENDING = times(1_000, 181);

let stack: ApprovalsStack;
let proxy: CountingProxy;
beforeAll(async () => {
  stack = await ApprovalsStack.start("workerd");
  proxy = await startCountingProxy(stack.endpoint.url, "http1");
  await stack.restate.register(`${proxy.url}/restate`, { http11: true });
}, 60_000);
afterAll(async () => {
  await stack.stop();
  await proxy.close();
});

/** What Restate sent to the app meanwhile. */
async function costOf(work: () => Promise<unknown>): Promise<{ requests: number; bytes: number; ms: number }> {
  const before = proxy.counts();
  const started = performance.now();
  await work();
  const ms = Math.round(performance.now() - started);
  const after = proxy.counts();
  return { requests: after.requests - before.requests, bytes: after.uploadedBytes - before.uploadedBytes, ms };
}

/** Opens a question as a run does it, for the run `invocationId`. */
async function open(n: number, invocationId: string): Promise<void> {
  const id = approvalId("Approvals", crypto.randomUUID());
  const request: OpenRequest = {
    id,
    kind: "approval",
    agent: "quiet",
    invocationId,
    tool: "book",
    toolCallId: `call_${n}`,
    input: { id: `${n} ${"x".repeat(10_000)}` },
    awakeable: `sign_1${"A".repeat(30)}`,
  };
  expect((await stack.restate.call("Opener/open", { key: shardOf(id), request })).status).toBe(200);
}

test("each answer uploads the index of its shard and its own question, never the others", async () => {
  stack.calls(call("book", "real"));
  const { run, approvals } = await stack.ask("Quiet");
  const [real] = approvals;
  const started = performance.now();
  for (let n = 1; n < PENDING; n += 9) await Promise.all(Array.from({ length: 9 }, (_, k) => open(n + k, run)));
  const openedMs = Math.round(performance.now() - started);
  const opened = await costOf(() => open(PENDING, run));
  const list = await costOf(() => stack.request("/approvals?limit=50"));
  const get = await costOf(() => stack.get(real?.id ?? ""));
  const answer = await costOf(async () => {
    expect((await stack.answer(real?.id ?? "", true)).status).toBe(200);
    expect((await stack.restate.attach(run, 30_000)).body).toBe("done");
  });
  console.log(`${PENDING} pending, 10 KB each:`, JSON.stringify({ openedMs, opened, list, get, answer }));
  expect(opened.bytes).toBeLessThan(80_000);
  expect(get.bytes).toBeLessThan(40_000);
  expect(list.bytes).toBeLessThan(2_500_000);
  // With the requests of the run that goes on.
  expect(answer.bytes).toBeLessThan(120_000);
}, 300_000);
