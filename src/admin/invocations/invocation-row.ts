/** Rows of `sys_invocation` as invocations. */
import { z } from "zod";
import type { Invocation, InvokedBy, LastFailure } from "./invocation.ts";
import { sql, type Sql } from "../sql.ts";

const text = z.string().optional();
const count = z.int().nonnegative().optional();

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
