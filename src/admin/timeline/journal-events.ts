/** What happened to an invocation's attempts: Restate notes failures beside the journal, equal ones in a row only once. */
import { z } from "zod";
import type { AdminHttp } from "../admin-http.ts";
import { sql } from "../sql.ts";

/** An attempt that failed. */
export interface FailedAttempt {
  readonly message: string;
  /** HTTP status or code of the error. */
  readonly errorCode?: number | undefined;
  /** Restate's own code, such as `RT0016`. */
  readonly code?: string | undefined;
  /** ISO 8601 */
  readonly at: string;
  /** The command that failed. Counts commands, not entries. */
  readonly commandIndex?: number | undefined;
  readonly name?: string | undefined;
  /** True when Restate paused the invocation for it. */
  readonly paused: boolean;
}

const failureSchema = z.object({
  error_message: z.string(),
  error_code: z.int().optional(),
  restate_doc_error_code: z.string().optional(),
  related_command_index: z.int().optional(),
  related_command_name: z.string().optional(),
});

const eventSchema = z.union([
  failureSchema.extend({ ty: z.literal("TransientError") }),
  z.object({ ty: z.literal("Paused"), last_failure: failureSchema.optional() }),
]);

const rowSchema = z.object({ appended_at: z.string(), event_json: z.string() });

/** Most failures that are read: the latest. */
const MAX_EVENTS = 1000;

/** The failed attempts of an invocation, oldest first. Kinds of events that are not known here are left out. */
export async function readFailedAttempts(http: AdminHttp, id: string): Promise<FailedAttempt[]> {
  const rows = await http.query(
    sql`SELECT appended_at, event_json FROM sys_journal_events
      WHERE id = ${id} ORDER BY appended_at DESC LIMIT ${MAX_EVENTS}`,
    rowSchema,
  );
  return rows.flatMap(({ appended_at: at, event_json: event }) => failedAttempts(at, event)).toReversed();
}

function failedAttempts(at: string, event: string): FailedAttempt[] {
  const parsed = eventSchema.safeParse(JSON.parse(event));
  if (!parsed.success) return [];
  const { data } = parsed;
  const failure = data.ty === "Paused" ? data.last_failure : data;
  if (failure === undefined) return [];
  return [
    {
      message: failure.error_message,
      errorCode: failure.error_code,
      code: failure.restate_doc_error_code,
      at,
      commandIndex: failure.related_command_index,
      name: failure.related_command_name,
      paused: data.ty === "Paused",
    },
  ];
}
