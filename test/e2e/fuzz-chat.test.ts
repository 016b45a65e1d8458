/**
 * Generated requests to `/chat`, `/approvals` and `/mcp`, with a real Restate behind them (G9): no 5xx, no leak, no hang, and
 * each stream ends. The agents answer at once, and conversations are many, so that nobody waits for another's turn.
 *
 * `FUZZ_SEED` and `FUZZ_REQUESTS` choose others.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { seedOf, times } from "../thorough.ts";
import { FuzzStack } from "./fuzz/fuzz-stack.ts";
import type { OpenApiDocument } from "./fuzz/operations.ts";
import { explain, storm, table } from "./fuzz/storm.ts";
import { World } from "./fuzz/world.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? seedOf("fuzz of conversations"));
const REQUESTS = Number(process.env["FUZZ_REQUESTS"] ?? times(6_000, 400));
const PARTS = /^\/(?:chat|approvals|mcp)\b/;
/** Interrupting waits for a turn's end, and deleting for the turns before it; that comes to a good deal less than this. */
const TIMEOUT_MS = 60_000;

let stack: FuzzStack;
beforeAll(async () => {
  stack = await FuzzStack.start("fuzz-chat/worker.ts");
  await stack.restate.register(`${stack.worker.url}/restate`, { http11: true });
});
afterAll(() => stack?.stop());

test(`${REQUESTS} requests to conversations, approvals and the MCP server`, async () => {
  const document = (await (await fetch(`${stack.worker.url}/openapi.json`)).json()) as OpenApiDocument;
  const nothing = { completed: [], sacrificed: [], deployment: "", sacrificedDeployments: [] };
  const world = new World(stack, nothing, document, { only: PARTS });
  const rules = { canaries: stack.canaries, allowed: new Map<number, string>() };
  const report = await storm(world, { seed: SEED, requests: REQUESTS, inFlight: 16, rules, timeoutMs: TIMEOUT_MS });
  console.log(
    `seed ${SEED}: ${REQUESTS} requests in ${report.seconds.toFixed(1)} s, slowest ${report.slowestMs.toFixed(0)} ms\n${table(report)}`,
  );
  expect.soft(await explain(report.failures, world.port, rules)).toBe("");
  // Something was reached.
  expect([...report.counts.values()].some((labels) => labels.has("200"))).toBe(true);
});
