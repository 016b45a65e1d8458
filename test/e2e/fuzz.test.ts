/**
 * Generated requests against the app in workerd, with a real Restate behind it (G9): no 5xx, no hang, no leak.
 *
 * `FUZZ_SEED` and `FUZZ_REQUESTS` choose others; a failure prints the request, made as small as it goes.
 */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { serveWorker } from "../../src/testing/serve.ts";
import { FuzzStack, SECRETS, type Seeded } from "./fuzz/fuzz-stack.ts";
import type { OpenApiDocument } from "./fuzz/operations.ts";
import { exchange } from "./fuzz/raw-http.ts";
import { explain, storm, table } from "./fuzz/storm.ts";
import type { Rules } from "./fuzz/verdict.ts";
import { BODY_CANARY, World } from "./fuzz/world.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? 20_261_124);
const REQUESTS = Number(process.env["FUZZ_REQUESTS"] ?? 20_000);
const IN_FLIGHT = 48;
const WARM_UP = Math.min(2_000, REQUESTS);
/**
 * What workerd may grow by after it is warm. A Worker that does nothing grows by 100 MiB over so many requests, too, until
 * its garbage is collected; keeping 10 KiB of each request would take 200.
 */
const MAX_GROWTH_MIB = 192;
/** This Restate has no virtual queues. Everything else that begins with 5 would be a fault: Restate is there, and its answers are understood. */
const ALLOWED: ReadonlyMap<number, string> = new Map([[501, "unsupported-by-server"]]);

let stack: FuzzStack;
let seeded: Seeded;
let world: World;

beforeAll(async () => {
  stack = await FuzzStack.start();
  seeded = await stack.seed();
  world = new World(stack, seeded, await openApi());
});
afterAll(() => stack?.stop());

async function openApi(): Promise<OpenApiDocument> {
  const response = await fetch(`${stack.worker.url}/openapi.json`);
  return response.ok ? ((await response.json()) as OpenApiDocument) : { paths: {} };
}

async function residentMib(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
}

test(`${REQUESTS} generated requests: no 5xx, no hang, no leak`, async () => {
  const rules: Rules = { canaries: stack.canaries, allowed: ALLOWED };
  const logged = new Set<string>();
  const forbidden = { ...SECRETS, BODY_CANARY };
  const readLog = (): void => {
    const { log } = stack.worker;
    for (const [name, value] of Object.entries(forbidden)) if (log.includes(value)) logged.add(`${name} is in the log`);
  };
  const options = { inFlight: IN_FLIGHT, rules, onHundred: readLog };
  const warm = await storm(world, { ...options, seed: SEED + 1, requests: WARM_UP });
  const before = await residentMib(stack.worker.pid);
  const report = await storm(world, { ...options, seed: SEED, requests: REQUESTS });
  readLog();
  const after = await residentMib(stack.worker.pid);
  console.log(
    `seed ${SEED}: ${WARM_UP} + ${REQUESTS} requests to ${world.documented} documented operations in ${report.seconds.toFixed(1)} s, slowest ${report.slowestMs.toFixed(0)} ms; workerd ${before.toFixed(0)} MiB, then ${after.toFixed(0)} MiB\n${table(report)}`,
  );
  expect.soft(await explain([...warm.failures, ...report.failures], world.port, rules)).toBe("");
  expect.soft([...logged]).toEqual([]);
  expect(after - before).toBeLessThan(MAX_GROWTH_MIB);
});

test("planted faults are found", async () => {
  const entry = new URL("../fixtures/planted/worker.ts", import.meta.url).pathname;
  await using planted = await serveWorker({ entry, vars: SECRETS });
  const document = (await (await fetch(`${planted.url}/openapi.json`)).json()) as OpenApiDocument;
  const port = Number(new URL(planted.url).port);
  const report = await storm(new World(stack, seeded, document, { port }), {
    seed: SEED,
    requests: 300,
    inFlight: IN_FLIGHT,
    timeoutMs: 1_000,
    rules: { canaries: stack.canaries, allowed: ALLOWED },
  });
  // It would wait for the requests that hang.
  await planted.kill();
  const faultsOf = (route: string): string[] => {
    const found = report.failures.filter(({ request }) => request.notes[0] === `GET /${route}`);
    return [...new Set(found.flatMap(({ faults }) => faults))];
  };
  expect(faultsOf("throws")).toContain("answers 500");
  expect(faultsOf("tells-a-setting")).toContain("leaks ADMIN_TOKEN");
  expect(faultsOf("tells-its-stack").join()).toContain("tells of its inside");
  expect(faultsOf("hangs")).toContain("no answer in time");
  expect(faultsOf("answers-html").join()).toContain("is no JSON: text/html");
  expect(faultsOf("surprises").join()).toContain("is not documented");
});

test("after that the app still answers, and agents still run", async () => {
  const health = await fetch(`${stack.worker.url}/health`);
  expect(health.status).toBe(200);
  expect((await stack.restate.call("Echo/say", "hello")).body).toEqual({ input: "hello" });
  const outcome = await exchange(world.port, [
    `POST /agents/Echo/say HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${SECRETS.AGENT_API_KEYS}\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n"hello"`,
  ]);
  expect(outcome.kind === "answer" && [outcome.answer.status, outcome.answer.body.toString()]).toEqual([
    200,
    '{"input":"hello"}',
  ]);
});
