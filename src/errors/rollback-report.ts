/**
 * What a rollback has done travels with the error that caused it: the same class and code, the report in its metadata and,
 * in short, in its message. So callers of a handler learn of it too.
 */
import { TerminalError } from "../restate.ts";
import { readProperty } from "./read-error.ts";

/** The key under which a report travels in a Restate failure's metadata. */
export const ROLLBACK_METADATA_KEY = "restate-edge-agents.rollback";

const CARRIED = Symbol.for("restate-edge-agents.rollback");

/** Most compensations that a report names of each kind; it counts all. */
const MAX_NAMED = 50;
/** Most of them that a message names. */
const MAX_IN_MESSAGE = 5;

/**
 * What became of what a compensation undoes: it was done; it failed terminally, which does not say that it had no effect;
 * or nobody knows, because it was interrupted.
 */
export type RollbackOutcome = "done" | "failed" | "unknown";

/** One compensation of a report. */
export interface RollbackItem {
  /** Its step in the journal. */
  readonly step: string;
  /** The tool whose call it undoes. */
  readonly tool?: string;
  readonly toolCallId?: string;
  /** What it was called in `onRollback()`. */
  readonly label?: string;
  /** Of a tool call: what became of it. */
  readonly outcome?: RollbackOutcome;
  /** Why it was not undone. */
  readonly problem?: string;
}

/** What a rollback has done. */
export interface RollbackReport {
  /** How many were undone. */
  readonly undoneCount: number;
  /** How many were not. */
  readonly notUndoneCount: number;
  /** What was undone, in the order in which it was; the first 50. */
  readonly undone: readonly RollbackItem[];
  /** What was not undone: somebody must look after it. The first 50. */
  readonly notUndone: readonly RollbackItem[];
}

interface Carried {
  readonly report: RollbackReport;
  /** The error's message without the report. */
  readonly message: string;
}

/**
 * The report of the rollback that an error has caused; undefined when nothing was to be undone. It survives the journal
 * and calls between services.
 *
 * @example
 * ```ts
 * try {
 *   await agent.generate({ prompt });
 * } catch (error) {
 *   for (const { step, problem } of rollbackReport(error)?.notUndone ?? []) await page(`${step}: ${problem}`);
 *   throw error;
 * }
 * ```
 */
export function rollbackReport(error: unknown): RollbackReport | undefined {
  return carried(error)?.report ?? readReport(error);
}

/** `undone` and `notUndone`, whole, as a report. */
export function makeReport(undone: readonly RollbackItem[], notUndone: readonly RollbackItem[]): RollbackReport {
  return {
    undoneCount: undone.length,
    notUndoneCount: notUndone.length,
    undone: undone.slice(0, MAX_NAMED),
    notUndone: notUndone.slice(0, MAX_NAMED),
  };
}

/** An error of the same class with the same fields that carries `report`. The given one may be shared: it stays as it is. */
export function withRollbackReport(error: Error, report: RollbackReport): Error {
  const message = messageWithout(error);
  const descriptors = Object.getOwnPropertyDescriptors(error);
  const copy = Object.create(Object.getPrototypeOf(error) as object, descriptors) as Error;
  const own: Record<PropertyKey, unknown> = {
    message: `${message} (${summaryOf(report)})`,
    stack: error.stack,
    [CARRIED]: { report, message } satisfies Carried,
    ...(error instanceof TerminalError
      ? { metadata: { ...error.metadata, [ROLLBACK_METADATA_KEY]: JSON.stringify(report) } }
      : {}),
  };
  for (const key of Reflect.ownKeys(own)) {
    const enumerable = key === "metadata";
    void Object.defineProperty(copy, key, { value: own[key], enumerable, writable: true, configurable: true });
  }
  return copy;
}

/** `to`, with the report that `from` carries, if it does: for an error that stands in for another. */
export function keepRollbackReport<E extends Error>(from: unknown, to: E): E {
  const report = carried(from)?.report;
  return report === undefined || rollbackReport(to) !== undefined ? to : (withRollbackReport(to, report) as E);
}

/** `3 of 4 undone; not undone: travel undo bookHotel call_1` */
function summaryOf({ undoneCount, notUndoneCount, notUndone }: RollbackReport): string {
  const total = undoneCount + notUndoneCount;
  if (notUndoneCount === 0) return `rolled back: ${undoneCount} of ${total} undone`;
  const named = notUndone.slice(0, MAX_IN_MESSAGE).map(({ step }) => step);
  const more = notUndoneCount > named.length ? `, and ${notUndoneCount - named.length} more` : "";
  return `rolled back: ${undoneCount} of ${total} undone; not undone: ${named.join(", ")}${more}`;
}

function messageWithout(error: Error): string {
  const known = carried(error);
  if (known !== undefined) return known.message;
  const report = readReport(error);
  const suffix = report === undefined ? "" : ` (${summaryOf(report)})`;
  return suffix !== "" && error.message.endsWith(suffix) ? error.message.slice(0, -suffix.length) : error.message;
}

function carried(error: unknown): Carried | undefined {
  return readProperty(error, CARRIED) as Carried | undefined;
}

function readReport(error: unknown): RollbackReport | undefined {
  const metadata = readProperty(error, "metadata") as Readonly<Record<string, unknown>> | undefined;
  const stored = typeof metadata === "object" ? metadata?.[ROLLBACK_METADATA_KEY] : undefined;
  if (typeof stored !== "string") return undefined;
  try {
    const { undone, notUndone, ...counts } = JSON.parse(stored) as Partial<RollbackReport>;
    if (!Array.isArray(undone) || !Array.isArray(notUndone)) return undefined;
    return {
      undoneCount: counts.undoneCount ?? undone.length,
      notUndoneCount: counts.notUndoneCount ?? notUndone.length,
      undone: undone as RollbackItem[],
      notUndone: notUndone as RollbackItem[],
    };
  } catch {
    return undefined;
  }
}
