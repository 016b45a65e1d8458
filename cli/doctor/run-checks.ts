import { type DoctorCheck, type Finding, NotKnown, type Status } from "./check.ts";
import type { Facts } from "./facts/facts.ts";

/** A finding, with the check that it is of. */
export interface Diagnosis extends Finding {
  readonly id: string;
  readonly group: DoctorCheck["group"];
  readonly about: string;
  readonly durationMs: number;
}

const DEFAULT_TIMEOUT_MS = 20_000;

/**
 * Runs checks side by side, each within its time. One that throws or takes too long is `broken`; the others are not
 * disturbed by it.
 *
 * @throws The signal's reason once it is aborted.
 */
export function runChecks(
  checks: readonly DoctorCheck[],
  facts: Facts,
  signal: AbortSignal,
  onEnd: (diagnosis: Diagnosis) => void = () => {},
): Promise<Diagnosis[]> {
  return Promise.all(
    checks.map(async (check) => {
      const { id, group, about } = check;
      const start = performance.now();
      const finding = await findingOf(check, facts, signal);
      const diagnosis = { id, group, about, ...finding, durationMs: Math.round(performance.now() - start) };
      onEnd(diagnosis);
      return diagnosis;
    }),
  );
}

/** How many diagnoses have each status. */
export function countsOf(diagnoses: readonly Diagnosis[]): Readonly<Record<Status, number>> {
  const counts = { pass: 0, warn: 0, fail: 0, skipped: 0, broken: 0 };
  for (const { status } of diagnoses) counts[status] += 1;
  return counts;
}

async function findingOf(check: DoctorCheck, facts: Facts, signal: AbortSignal): Promise<Finding> {
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = check;
  try {
    return await within(timeoutMs, signal, async () => check.run(facts));
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof NotKnown) return { status: "skipped", detail: error.message };
    return { status: "broken", detail: `The check could not be done: ${messageOf(error)}` };
  }
}

async function within<T>(timeoutMs: number, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  let onAbort = (): void => {};
  let timer: NodeJS.Timeout | undefined;
  const end = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener("abort", onAbort, { once: true });
    timer = setTimeout(() => reject(new Error(`no end within ${timeoutMs / 1000} seconds`)), timeoutMs);
  });
  try {
    signal.throwIfAborted();
    return await Promise.race([work(), end]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}

function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n", 1)[0]?.slice(0, 300) ?? "";
}
