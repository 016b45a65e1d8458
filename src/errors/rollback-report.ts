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
  /** Its step in the journal of `invocationId`. */
  readonly step: string;
  /** The invocation that it was to be undone in: a segment of a long run, or a called agent, tells of its own. */
  readonly invocationId: string;
  /** The tool whose call it undoes. */
  readonly tool?: string;
  readonly toolCallId?: string;
  /** What it was called in `onRollback()`. */
  readonly label?: string;
  /** Of what an agent inside a tool has done, or a tool has registered: the call of the outermost agent that it was in. */
  readonly within?: { readonly tool: string; readonly toolCallId: string };
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

/** What an error knows as long as it is in memory: errors of the AI SDK have no metadata, and a report does not name all. */
interface Carried extends Undone {
  readonly report: RollbackReport;
}

/** All that became of the compensations of an invocation. */
interface Undone {
  readonly undone: readonly RollbackItem[];
  readonly notUndone: readonly RollbackItem[];
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
  return readReport(error) ?? carried(error)?.report;
}

/** What the scope that `error` left has undone in this invocation: all of it, also what the report does not name. */
export function undoneHere(error: unknown): Undone | undefined {
  return carried(error);
}

/**
 * An error of the same class with the same fields that carries a report of `here`: all that became of the compensations of
 * this invocation, and of what the error `from` tells of others. The given one may be shared: it stays as it is.
 */
export function withRollbackReport(error: Error, { from, ...here }: Undone & { readonly from: unknown }): Error {
  const known = rollbackReport(from);
  const before = carried(from);
  const [undoneCount, undone] = listed(here.undone, before?.undone, known?.undone, known?.undoneCount);
  const [notUndoneCount, notUndone] = listed(
    here.notUndone,
    before?.notUndone,
    known?.notUndone,
    known?.notUndoneCount,
  );
  return carrying(error, { report: { undoneCount, notUndoneCount, undone, notUndone }, ...here });
}

/**
 * How many there are, and the first of them, beginning with those of other invocations: these came before.
 *
 * @param before Those of `here` that are in `knownCount`, too.
 */
function listed(
  here: readonly RollbackItem[],
  before: readonly RollbackItem[] = [],
  known: readonly RollbackItem[] = [],
  knownCount: number = known.length,
): readonly [count: number, items: readonly RollbackItem[]] {
  const own = here[0]?.invocationId;
  const isOwn = ({ invocationId }: RollbackItem): boolean => invocationId === own;
  const others = known.filter((item) => !isOwn(item));
  // Those of other invocations come first: where one of this is named, they all are.
  const isNamed = others.length < known.length;
  const count = here.length + (isNamed ? others.length : knownCount - before.filter(isOwn).length);
  return [count, [...others, ...here].slice(0, MAX_NAMED)];
}

function carrying(error: Error, carries: Carried): Error {
  const message = messageWithout(error);
  const { report } = carries;
  const descriptors = Object.getOwnPropertyDescriptors(error);
  const copy = Object.create(Object.getPrototypeOf(error) as object, descriptors) as Error;
  const own: Record<PropertyKey, unknown> = {
    message: `${message} (${summaryOf(report)})`,
    stack: error.stack,
    [CARRIED]: carries,
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
  const report = rollbackReport(from);
  if (report === undefined || rollbackReport(to) !== undefined) return to;
  return carrying(to, { undone: [], notUndone: [], ...carried(from), report }) as E;
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
  const report = rollbackReport(error);
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
