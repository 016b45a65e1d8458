/** Reads what a timeline is made of, within bounds. */
import { z } from "zod";
import type { AdminHttp } from "../admin-http.ts";
import type { Invocation } from "../invocations/invocation.ts";
import { readFailedAttempts } from "./journal-events.ts";
import { type JournalEntry, readJournal, readResults } from "./journal.ts";
import { sql } from "../sql.ts";
import { commandOf, notificationOf } from "./timeline-command.ts";
import { buildTimeline } from "./timeline-steps.ts";
import type { Timeline } from "./timeline.ts";

/** Most journal entries that a timeline is made of. */
const MAX_ENTRIES = 10_000;

/** Most bytes of stored results that are read for it, and of one of them. */
const MAX_RESULT_BYTES = 4 * 1024 * 1024;
const MAX_ONE_RESULT_BYTES = 1024 * 1024;

/** Reads the timeline of an invocation. `payloads`: also what the steps gave. */
export async function readTimeline(
  http: AdminHttp,
  invocation: Invocation,
  { payloads = false }: { readonly payloads?: boolean | undefined } = {},
): Promise<Timeline> {
  const { id } = invocation;
  const [{ entries, next }, failures, awaited] = await Promise.all([
    readJournal(http, id, { limit: MAX_ENTRIES }),
    readFailedAttempts(http, id),
    readAwaited(http, id),
  ]);
  const results = await readResults(http, id, withinBounds(entries, wanted(entries, payloads)));
  const journal = entries.length === 0 ? "absent" : next === undefined ? "whole" : "cut";
  return { ...buildTimeline({ invocation, entries, failures, awaited, results, payloads }), journal };
}

/** Results that are worth reading: of model steps for their tokens, of failed steps for the reason. */
function wanted(entries: readonly JournalEntry[], payloads: boolean): ReadonlySet<number> {
  const models = new Set<number>();
  const indexes = new Set<number>();
  for (const entry of entries) {
    const command = commandOf(entry);
    if (command?.kind === "model" && command.completionId !== undefined) models.add(command.completionId);
    const { completionId, failed } = notificationOf(entry) ?? { failed: false };
    if (failed || (completionId !== undefined && (payloads || models.has(completionId)))) indexes.add(entry.index);
    if (payloads && command?.kind === "output") indexes.add(entry.index);
  }
  return indexes;
}

function withinBounds(entries: readonly JournalEntry[], indexes: ReadonlySet<number>): number[] {
  let total = 0;
  return entries.flatMap(({ index, bytes = 0 }) => {
    if (!indexes.has(index) || bytes > MAX_ONE_RESULT_BYTES || total + bytes > MAX_RESULT_BYTES) return [];
    total += bytes;
    return [index];
  });
}

const awaitedSchema = z.object({ suspended_waiting_future_json: z.string().optional() });

/** What a suspended invocation waits for, as Restate shows it. */
async function readAwaited(http: AdminHttp, id: string): Promise<string | undefined> {
  const query = sql`SELECT suspended_waiting_future_json FROM sys_invocation WHERE id = ${id}`;
  const [row] = await http.query(query, awaitedSchema);
  return row?.suspended_waiting_future_json;
}
