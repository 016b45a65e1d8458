import { z } from "zod";
import { isInvocationId } from "./invocation-id.ts";
import { sql, type Sql } from "./sql.ts";

/** An invocation's id that Restate can decode. */
export const invocationIdSchema: z.ZodType<string> = z
  .string()
  .regex(/^inv_1[0-9A-Za-z]{33}$/, "must be an invocation id, such as inv_1fjtoLCTZCOa6PB3PEmER3O4YJUE4aQCiR")
  .refine(isInvocationId, "must be an id that Restate made");

/** What an invocation is doing, in Restate's words. */
export const INVOCATION_STATUSES = [
  "pending",
  "scheduled",
  "ready",
  "running",
  "backing-off",
  "suspended",
  "paused",
  "completed",
] as const;

/** A failure of an attempt; Restate tries again, or has paused the invocation. */
export interface LastFailure {
  readonly message: string;
  /** Restate's own code, such as `RT0016`. */
  readonly code?: string | undefined;
  /** The command that it happened in. */
  readonly step?: LastFailureStep | undefined;
}

/** A command of the journal, as far as the server knows it. */
export interface LastFailureStep {
  /** Counts commands, not entries. */
  readonly commandIndex?: number | undefined;
  readonly name?: string | undefined;
  /** Such as `Run`. */
  readonly type?: string | undefined;
}

/** Who started an invocation. */
export interface InvokedBy {
  /** `ingress`, `service`, `subscription`, `restart_as_new`, `ingress_ingestion`. */
  readonly kind: string;
  readonly service?: string | undefined;
  readonly invocationId?: string | undefined;
  readonly target?: string | undefined;
  readonly subscriptionId?: string | undefined;
}

/** An invocation as Restate's `sys_invocation` shows it. Times are ISO 8601; what Restate does not know is absent. */
export interface Invocation {
  readonly id: string;
  /** Such as `Service/handler` or `Object/key/handler`. */
  readonly target: string;
  readonly service: string;
  /** Of a virtual object or workflow. */
  readonly key?: string | undefined;
  readonly handler: string;
  /** `service`, `virtual_object` or `workflow`. */
  readonly serviceType?: string | undefined;
  /** One of `INVOCATION_STATUSES`, or a word of a newer server. */
  readonly status: string;
  readonly createdAt: string;
  readonly modifiedAt?: string | undefined;
  /** When it was accepted to run later. */
  readonly scheduledAt?: string | undefined;
  /** When it is to start. */
  readonly scheduledStartAt?: string | undefined;
  /** When it began to wait for another invocation of the same object. */
  readonly inboxedAt?: string | undefined;
  /** When it first ran. */
  readonly runningAt?: string | undefined;
  readonly completedAt?: string | undefined;
  readonly idempotencyKey?: string | undefined;
  readonly invokedBy?: InvokedBy | undefined;
  /** The invocation that this one was restarted from. */
  readonly restartedFrom?: string | undefined;
  /** The deployment that it is pinned to. */
  readonly deploymentId?: string | undefined;
  readonly protocolVersion?: number | undefined;
  /** Entries of the journal: commands and notifications. */
  readonly journalSize?: number | undefined;
  readonly journalCommands?: number | undefined;
  readonly traceId?: string | undefined;
  readonly scope?: string | undefined;
  readonly limitKey?: string | undefined;
  /**
   * Attempts since this leader of its partition began to run it; not counted across suspensions. More than 1: one failed.
   */
  readonly retryCount?: number | undefined;
  readonly lastStartAt?: string | undefined;
  readonly nextRetryAt?: string | undefined;
  readonly lastAttemptDeploymentId?: string | undefined;
  readonly lastFailure?: LastFailure | undefined;
  /** How it ended: `success`, `failure` or `killed`. */
  readonly result?: string | undefined;
  /** Why, after a failure. */
  readonly failure?: string | undefined;
}

const text = z.string().optional();
const count = z.int().nonnegative().optional();

/** Absent means unknown, in an answer too. */
export const invocationSchema: z.ZodType<Invocation> = z.object({
  id: z.string(),
  target: z.string(),
  service: z.string(),
  key: text,
  handler: z.string(),
  serviceType: text,
  status: z.string(),
  createdAt: z.string(),
  modifiedAt: text,
  scheduledAt: text,
  scheduledStartAt: text,
  inboxedAt: text,
  runningAt: text,
  completedAt: text,
  idempotencyKey: text,
  invokedBy: z
    .object({ kind: z.string(), service: text, invocationId: text, target: text, subscriptionId: text })
    .optional(),
  restartedFrom: text,
  deploymentId: text,
  protocolVersion: count,
  journalSize: count,
  journalCommands: count,
  traceId: text,
  scope: text,
  limitKey: text,
  retryCount: count,
  lastStartAt: text,
  nextRetryAt: text,
  lastAttemptDeploymentId: text,
  lastFailure: z
    .object({
      message: z.string(),
      code: text,
      step: z.object({ commandIndex: count, name: text, type: text }).optional(),
    })
    .optional(),
  result: text,
  failure: text,
});

/** The columns that `invocationOf()` reads. */
export const INVOCATION_COLUMNS: Sql = sql`id, target, target_service_name, target_service_key, target_handler_name,
  target_service_ty, status, created_at, modified_at, scheduled_at, scheduled_start_at, inboxed_at, running_at,
  completed_at, idempotency_key, invoked_by, invoked_by_service_name, invoked_by_id, invoked_by_target,
  invoked_by_subscription_id, restarted_from, pinned_deployment_id, pinned_service_protocol_version, journal_size,
  journal_commands_size, trace_id, scope, limit_key, retry_count, last_start_at, next_retry_at,
  last_attempt_deployment_id, last_failure, last_failure_error_code, last_failure_related_command_index,
  last_failure_related_command_name, last_failure_related_command_type, completion_result, completion_failure`;

const rowSchema = z.object({
  id: z.string(),
  target: z.string(),
  target_service_name: z.string(),
  target_service_key: text,
  target_handler_name: z.string(),
  target_service_ty: text,
  status: z.string(),
  created_at: z.string(),
  modified_at: text,
  scheduled_at: text,
  scheduled_start_at: text,
  inboxed_at: text,
  running_at: text,
  completed_at: text,
  idempotency_key: text,
  invoked_by: text,
  invoked_by_service_name: text,
  invoked_by_id: text,
  invoked_by_target: text,
  invoked_by_subscription_id: text,
  restarted_from: text,
  pinned_deployment_id: text,
  pinned_service_protocol_version: count,
  journal_size: count,
  journal_commands_size: count,
  trace_id: text,
  scope: text,
  limit_key: text,
  retry_count: count,
  last_start_at: text,
  next_retry_at: text,
  last_attempt_deployment_id: text,
  last_failure: text,
  last_failure_error_code: text,
  last_failure_related_command_index: count,
  last_failure_related_command_name: text,
  last_failure_related_command_type: text,
  completion_result: text,
  completion_failure: text,
});

/** A row of `INVOCATION_COLUMNS` as an invocation. */
export const invocationRowSchema: z.ZodType<Invocation> = rowSchema.transform((row) => ({
  id: row.id,
  target: row.target,
  service: row.target_service_name,
  key: row.target_service_key,
  handler: row.target_handler_name,
  serviceType: row.target_service_ty,
  status: row.status,
  createdAt: row.created_at,
  modifiedAt: row.modified_at,
  scheduledAt: row.scheduled_at,
  scheduledStartAt: row.scheduled_start_at,
  inboxedAt: row.inboxed_at,
  runningAt: row.running_at,
  completedAt: row.completed_at,
  idempotencyKey: row.idempotency_key,
  invokedBy: invokedBy(row),
  restartedFrom: row.restarted_from,
  deploymentId: row.pinned_deployment_id,
  protocolVersion: row.pinned_service_protocol_version,
  journalSize: row.journal_size,
  journalCommands: row.journal_commands_size,
  traceId: row.trace_id,
  scope: row.scope,
  limitKey: row.limit_key,
  retryCount: row.retry_count,
  lastStartAt: row.last_start_at,
  nextRetryAt: row.next_retry_at,
  lastAttemptDeploymentId: row.last_attempt_deployment_id,
  lastFailure: lastFailure(row),
  result: row.completion_result,
  failure: row.completion_failure,
}));

type Row = z.infer<typeof rowSchema>;

function invokedBy(row: Row): InvokedBy | undefined {
  if (row.invoked_by === undefined) return undefined;
  return {
    kind: row.invoked_by,
    service: row.invoked_by_service_name,
    invocationId: row.invoked_by_id,
    target: row.invoked_by_target,
    subscriptionId: row.invoked_by_subscription_id,
  };
}

function lastFailure(row: Row): LastFailure | undefined {
  if (row.last_failure === undefined) return undefined;
  const commandIndex = row.last_failure_related_command_index;
  const name = row.last_failure_related_command_name;
  const type = row.last_failure_related_command_type;
  return {
    message: row.last_failure,
    code: row.last_failure_error_code,
    step: commandIndex === undefined && type === undefined ? undefined : { commandIndex, name, type },
  };
}
