/** One trial: runs under way, deaths at chosen moments, and what must hold in the end. */
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import type { TripResult } from "../fixtures/trip/agents.ts";
import { seedOf } from "../thorough.ts";
import { expectedCounts, normalized, type TripStack } from "./trip-stack.ts";

/** When something dies: after the `n`-th event of the `generate` or `stream` run, or after `ms` milliseconds. */
export type Moment =
  | { readonly kind: "event"; readonly of: "generate" | "stream"; readonly n: number }
  | { readonly kind: "time"; readonly ms: number };

/** What dies. */
export type Victim = "endpoint" | "restate";

const HANDLERS = ["generate", "stream"] as const;
let trials = 0;

/** The longest that two runs with a few deaths may take. */
export const TRIAL_TIMEOUT_MS = 60_000;

interface Running {
  readonly handler: (typeof HANDLERS)[number];
  readonly run: string;
  readonly id: string;
}

/** A durable step at the moment of a death, and how often it had happened by then. */
interface Settled {
  readonly run: string;
  readonly key: string;
  readonly count: number;
}

/**
 * Starts a `generate` and a `stream` run, lets `victim` die at each moment, brings it back, and checks:
 * results as without a crash; everything happened; what Restate had at a death never happened again (G1); what was in
 * flight happened at most once more a death. Returns how many steps were repeated.
 */
export async function trial(stack: TripStack, victim: Victim, moments: readonly Moment[]): Promise<number> {
  trials += 1;
  const name = `t${trials}`;
  const deaths = moments.map((moment) => reached(stack, name, moment));
  const runs = await Promise.all(
    HANDLERS.map(async (handler): Promise<Running> => {
      const run = `${name}${handler}`;
      return { handler, run, id: await stack.restate.send(`Trip/${handler}`, run) };
    }),
  );
  const settled: Settled[] = [];
  for (const death of deaths) {
    await Promise.race([death, ended(stack, runs)]);
    settled.push(...(await die(stack, victim, runs)));
  }
  const results = await Promise.all(runs.map(({ id }) => stack.restate.attach(id, TRIAL_TIMEOUT_MS)));
  for (const [index, { run, handler }] of runs.entries()) {
    expect(results[index]?.status, JSON.stringify(results[index]?.body)).toBe(200);
    expect(normalized(results[index]?.body as TripResult, run)).toEqual(reference(handler));
  }
  const counts = new Map(runs.map(({ run }) => [run, stack.counts(run)]));
  for (const { run, key, count } of settled) {
    expect(counts.get(run)?.get(key), `${key} of ${run} was durable and happened again`).toBe(count);
  }
  return runs.reduce((repeated, { run }) => repeated + repeatedSteps(stack, run, moments.length), 0);
}

function repeatedSteps(stack: TripStack, run: string, deaths: number): number {
  const counts = stack.counts(run);
  expect([...counts.keys()].sort()).toEqual([...expectedCounts(run).keys()].sort());
  const repeated = [...counts.values()].map((count) => count - 1);
  expect(Math.max(...repeated)).toBeLessThanOrEqual(deaths);
  return repeated.reduce((sum, count) => sum + count, 0);
}

function reached(stack: TripStack, name: string, moment: Moment): Promise<void> {
  if (moment.kind === "time") return delay(moment.ms);
  return new Promise((resolve) => {
    const before = stack.onEvent;
    stack.onEvent = (run, n) => {
      before(run, n);
      if (run === `${name}${moment.of}` && n >= moment.n) resolve();
    };
  });
}

async function ended(stack: TripStack, runs: readonly Running[]): Promise<void> {
  await Promise.all(runs.map(({ id }) => stack.restate.attach(id, TRIAL_TIMEOUT_MS).catch(() => {})));
}

async function die(stack: TripStack, victim: Victim, runs: readonly Running[]): Promise<Settled[]> {
  await stack[victim].kill();
  if (victim === "restate") await stack.restate.start();
  const durable = await Promise.all(
    runs.map(async ({ run, id }) => {
      const keys = await stack.durable(id);
      const counts = stack.counts(run);
      return [...keys].map((key): Settled => ({ run, key, count: counts.get(key) ?? 0 }));
    }),
  );
  if (victim === "endpoint") await stack.endpoint.start();
  return durable.flat();
}

const references = new Map<string, TripResult>();

/** Remembers what a run answers when nothing dies. */
export async function learnReference(stack: TripStack): Promise<void> {
  for (const handler of HANDLERS) {
    const run = `reference${handler}`;
    const { status, body } = await stack.restate.call(`Trip/${handler}`, run);
    expect(status, JSON.stringify(body)).toBe(200);
    expect(Object.fromEntries(stack.counts(run))).toEqual(Object.fromEntries(expectedCounts(run)));
    references.set(handler, normalized(body as TripResult, run));
  }
}

function reference(handler: string): TripResult {
  const result = references.get(handler);
  if (result === undefined) throw new Error("learnReference() comes first");
  return result;
}

/** Random moments of one test, in milliseconds; others in each run. */
export function randomMoments(count: number, maxMs: number, name: string): number[] {
  return Array.from({ length: count }, (_, n) => seedOf(`${name} ${n}`) % maxMs);
}
