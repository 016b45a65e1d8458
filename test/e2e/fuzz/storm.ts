/** Thousands of requests, some at a time, and what became of them. */
import { describe, type FuzzRequest, replayLine, serialize } from "./fuzz-request.ts";
import { generate } from "./generator.ts";
import { Random } from "./random.ts";
import { exchange, type Outcome } from "./raw-http.ts";
import { judge, type Rules, type Verdict } from "./verdict.ts";
import type { World } from "./world.ts";

/** How a storm is made. */
export interface StormOptions {
  readonly seed: number;
  readonly requests: number;
  /** Requests at the same time. */
  readonly inFlight: number;
  readonly rules: Rules;
  /** Longest wait for an answer, in milliseconds. Default 5,000. */
  readonly timeoutMs?: number;
  /** Called after every hundredth request. */
  readonly onHundred?: () => void;
}

/** A request that was answered wrongly. */
export interface Failure {
  readonly index: number;
  readonly faults: readonly string[];
  readonly request: FuzzRequest;
}

/** What was seen. */
export interface StormReport {
  readonly failures: readonly Failure[];
  /** How often each route was answered with each label. */
  readonly counts: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly seconds: number;
  /** The slowest answer, in milliseconds. */
  readonly slowestMs: number;
}

/** After so many wrong answers the rest is not asked. */
const ENOUGH_FAILURES = 500;

export async function storm(world: World, options: StormOptions): Promise<StormReport> {
  const { seed, requests, inFlight, rules, timeoutMs, onHundred } = options;
  const failures: Failure[] = [];
  const counts = new Map<string, Map<string, number>>();
  const begin = performance.now();
  let slowestMs = 0;
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < requests && failures.length < ENOUGH_FAILURES) {
      const index = next++;
      if (index % 100 === 99) onHundred?.();
      const request = generate(new Random(seed, index), world);
      const outcome = await send(request, world.port, timeoutMs);
      const { label, faults } = judge(request, outcome, rules);
      if (outcome.kind === "answer") slowestMs = Math.max(slowestMs, outcome.answer.ms);
      count(counts, routeOf(request), label);
      if (faults.length > 0) failures.push({ index, faults, request });
    }
  };
  await Promise.all(Array.from({ length: inFlight }, work));
  return { failures, counts, seconds: (performance.now() - begin) / 1_000, slowestMs };
}

/** Sends a generated request. One that is cut short ends its side: the app must not wait for the rest. */
export function send(request: FuzzRequest, port: number, timeoutMs = 5_000): Promise<Outcome> {
  const halfClose = request.framing === "truncated" || !request.isWellFormed;
  return exchange(port, [serialize(request)], {
    timeoutMs,
    halfClose,
    isHead: request.method === "HEAD",
  });
}

function routeOf(request: FuzzRequest): string {
  return request.notes[0] ?? "";
}

function count(counts: Map<string, Map<string, number>>, route: string, label: string): void {
  const labels = counts.get(route) ?? new Map<string, number>();
  counts.set(route, labels.set(label, (labels.get(label) ?? 0) + 1));
}

/** Leaves out what the failure does not need: headers, query, body, as long as it fails in the same way. */
export async function shrink({ request, faults }: Failure, port: number, rules: Rules): Promise<FuzzRequest> {
  let smallest = request;
  const stillFails = async (candidate: FuzzRequest): Promise<boolean> => {
    const verdict: Verdict = judge(candidate, await send(candidate, port), rules);
    return verdict.faults.some((fault) => faults.includes(fault));
  };
  const tries: ((current: FuzzRequest) => FuzzRequest)[] = [
    (current) => ({ ...current, body: Buffer.alloc(0), framing: "content-length" }),
    (current) => ({ ...current, framing: "content-length" }),
    (current) => ({ ...current, target: current.target.replace(/\?.*$/s, "") }),
    ...request.headers.map((line) => (current: FuzzRequest) => ({
      ...current,
      headers: current.headers.filter((other) => other !== line),
    })),
  ];
  for (const attempt of tries) {
    const candidate = attempt(smallest);
    if (serialize(candidate).equals(serialize(smallest))) continue;
    if (await stillFails(candidate)) smallest = candidate;
  }
  return smallest;
}

/** The failures, the first of each kind in its smallest form. */
export async function explain(failures: readonly Failure[], port: number, rules: Rules): Promise<string> {
  const kinds = Map.groupBy(failures, ({ faults, request }) => `${faults.join("; ")} · ${routeOf(request)}`);
  const lines: string[] = [];
  for (const [kind, members] of [...kinds].slice(0, 12)) {
    const [first] = members;
    if (first === undefined) continue;
    const smallest = await shrink(first, port, rules);
    lines.push(
      `${members.length} × ${kind} (first: #${first.index}, ${first.request.notes.join(", ")})`,
      `    ${describe(smallest)}`,
      `    ${replayLine(smallest, port)}`,
    );
  }
  return lines.join("\n");
}

/** Answers by route, and the sum, as a table of lines. */
export function table({ counts }: StormReport): string {
  const total = new Map<string, number>();
  const rows = [...counts]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([route, labels]) => {
      for (const [label, times] of labels) total.set(label, (total.get(label) ?? 0) + times);
      return `${route.padEnd(60)} ${format(labels)}`;
    });
  return [...rows, `${"all".padEnd(60)} ${format(total)}`].join("\n");
}

function format(labels: ReadonlyMap<string, number>): string {
  return [...labels]
    .toSorted(([, a], [, b]) => b - a)
    .map(([label, times]) => `${label}: ${times}`)
    .join(", ");
}
