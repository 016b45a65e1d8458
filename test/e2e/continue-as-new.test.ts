/** Runs that take several invocations, on a real restate-server and workerd. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type EffectServer, startEffectServer } from "../../src/testing/effect-server.ts";
import type { StartedRestate } from "../../src/testing/restate-server.ts";
import { type ScriptedOpenAI, startScriptedOpenAI } from "../../src/testing/scripted-openai.ts";
import { type ServedEndpoint, serveWorker } from "../../src/testing/serve.ts";
import { waitUntil } from "../../src/testing/wait.ts";
import { type LongRun, longRunReply, promptOf, stepOf } from "../fixtures/long-run/script.ts";
import { startTestRestate } from "./stack.ts";

/** One invocation of a run. */
interface Link {
  readonly id: string;
  readonly handler: string;
  readonly status: string;
  readonly entries: number;
  readonly bytes: number;
}

let restate: StartedRestate;
let endpoint: ServedEndpoint;
let openai: ScriptedOpenAI;
/** What the model waits for before it answers step 35. */
let held: Promise<void> = Promise.resolve();
let effects: EffectServer;
let onEffect: (name: string, key: string) => void = () => {};
let compactMs = 0;

beforeAll(async () => {
  effects = await startEffectServer({
    delayMs: ({ name }) => (name === "compact" ? compactMs : 0),
    onEffect: ({ name, key }) => onEffect(name, key),
  });
  openai = await startScriptedOpenAI(async (request) => {
    if (stepOf(request) === 35) await held;
    return longRunReply(request);
  });
  const { vars, trustedCertificates, ...rest } = await startTestRestate();
  restate = rest.restate;
  const entry = new URL("../fixtures/long-run/worker.ts", import.meta.url).pathname;
  const settings = { ...vars, OPENAI_BASE_URL: openai.baseURL, EFFECT_URL: effects.url };
  endpoint = await serveWorker({ entry, vars: settings, trustedCertificates });
  await restate.register(`${endpoint.url}/restate`, { http11: true });
}, 90_000);
afterAll(() => Promise.all([restate.stop(), endpoint.stop(), openai.close(), effects.close()]));
beforeEach(() => {
  openai.reset();
  effects.reset();
  onEffect = () => {};
  compactMs = 0;
});

/** The invocations of a run, the caller's first. */
async function linksOf(root: string): Promise<Link[]> {
  const links: Link[] = [];
  let next: string | undefined = root;
  while (next !== undefined && links.length < 100) {
    const id: string = next;
    const [[invocation], [journal], [child]] = await Promise.all([
      restate.query<{ handler: string; status: string }>(
        `SELECT target_handler_name AS handler, status FROM sys_invocation WHERE id = '${id}'`,
      ),
      restate.query<{ entries: number; bytes: number }>(
        `SELECT count(*) AS entries, sum(raw_length) AS bytes FROM sys_journal WHERE id = '${id}'`,
      ),
      restate.query<{ id: string }>(`SELECT id FROM sys_invocation WHERE invoked_by_id = '${id}'`),
    ]);
    if (invocation === undefined || journal === undefined) throw new Error(`There is no invocation ${id}`);
    links.push({ id, ...invocation, ...journal });
    next = child?.id;
  }
  return links;
}

const start = (service: string, wanted: LongRun): Promise<string> => restate.send(`${service}/run`, promptOf(wanted));

/** How often each step of a run was worked on: the steps that were not worked on exactly once. */
function unusual(run: string, steps: number): string[] {
  const counts = Array.from({ length: steps }, (_, n) => [n + 1, effects.count("work", `${run}-${n + 1}`)] as const);
  return counts.filter(([, count]) => count !== 1).map(([n, count]) => `step ${n}: ${count} times`);
}

describe("a run of 60 steps, 10 in each invocation", () => {
  test("answers its caller, and no journal grows beyond its segment", async () => {
    const id = await start("Compacted", { run: "sixty", steps: 60 });
    expect(await restate.attach(id)).toMatchObject({ status: 200, body: "sixty is done" });
    expect(openai.requests).toHaveLength(61);
    expect(unusual("sixty", 60)).toEqual([]);
    const links = await linksOf(id);
    console.log(`60 steps: ${links.map(({ entries, bytes }) => `${entries} entries, ${bytes} bytes`).join("; ")}`);
    expect(links.map(({ handler }) => handler)).toEqual(["run", ...Array<string>(6).fill("continue")]);
    expect(links.every(({ status }) => status === "completed")).toBe(true);
    // From the third on each starts with as many messages as compaction keeps.
    const third = links[2];
    for (const { entries, bytes } of links) {
      expect(entries).toBeLessThanOrEqual(third?.entries ?? 0);
      expect(bytes).toBeLessThan((third?.bytes ?? 0) * 1.05);
    }
  });

  test("without compaction hands the whole conversation over", async () => {
    const id = await start("Whole", { run: "whole", steps: 60 });
    expect(await restate.attach(id)).toMatchObject({ status: 200, body: "whole is done" });
    expect(openai.requests).toHaveLength(61);
    const last = JSON.stringify(openai.requests.at(-1)?.body);
    for (let n = 1; n <= 60; n++) expect(last).toContain(`worked ${n}"`);
  });

  test("that fails in the seventh segment tells its caller code and message", async () => {
    const id = await start("Compacted", { run: "failing", steps: 100, failAt: 64 });
    expect(await restate.attach(id)).toMatchObject({ status: 418, body: { message: "no step 64 in failing" } });
    expect(await linksOf(id)).toHaveLength(7);
  });

  test("that is cancelled ends in the segment that runs", async () => {
    let release = (): void => {};
    held = new Promise((resolve) => (release = resolve));
    const id = await start("Compacted", { run: "cancelled", steps: 100 });
    await openai.waitFor((requests) => requests.some((request) => stepOf(request) === 35));
    const running = (await linksOf(id)).at(-1);
    await restate.cancel(id);
    const isTold = async (): Promise<boolean> =>
      (await restate.journal(running?.id ?? "")).some(({ entry_type }) =>
        entry_type.startsWith("Notification: Signal"),
      );
    await waitUntil("The segment that runs is not told", isTold);
    // On Workers the cancellation takes effect when the step in flight has ended.
    release();
    expect(await restate.attach(id, 30_000)).toMatchObject({ status: 409 });
    await restate.waitForStatus(running?.id ?? "", "completed");
    expect(openai.requests).toHaveLength(35);
    const links = await linksOf(id);
    expect(links).toHaveLength(4);
    expect(links.every(({ status }) => status === "completed")).toBe(true);
    expect(effects.count("work")).toBe(34);
  });

  test("cannot be continued by a caller", async () => {
    const { status, body } = await restate.call("Compacted/continue", {});
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    // Refused by Restate, not by the handler.
    expect(JSON.stringify(body)).not.toContain("Cannot continue a run");
  });
});

describe("the Worker dies in a handover", () => {
  test("while it compacts", async () => {
    compactMs = 300;
    const id = await start("Compacted", { run: "compacting", steps: 25 });
    await effects.waitFor((all) => all.some(({ name }) => name === "compact"));
    await endpoint.restart();
    compactMs = 0;
    expect(await restate.attach(id)).toMatchObject({ status: 200, body: "compacting is done" });
    expect(unusual("compacting", 25)).toEqual([]);
    expect(effects.count("compact", "1")).toBe(2);
    expect(effects.count("compact", "2")).toBe(1);
  });

  test("just when it has compacted, and in the next segment's first model call", async () => {
    let kills = 0;
    let restarted: Promise<void> | undefined;
    const kill = (): void => {
      kills += 1;
      restarted = endpoint.restart();
    };
    onEffect = (name, key) => name === "compact" && key === "1" && kills === 0 && kill();
    const id = await start("Compacted", { run: "compacted", steps: 25 });
    await openai.waitFor((requests) => requests.some((request) => stepOf(request) === 11), 30_000);
    await restarted;
    await endpoint.restart();
    expect(await restate.attach(id)).toMatchObject({ status: 200, body: "compacted is done" });
    expect(kills).toBe(1);
    expect(effects.count("compact", "1")).toBeLessThanOrEqual(2);
    const repeated = unusual("compacted", 25);
    // Only the step that was in flight when the Worker died may have run again.
    expect(repeated.length).toBeLessThanOrEqual(1);
    expect(await linksOf(id)).toHaveLength(3);
  });
});
