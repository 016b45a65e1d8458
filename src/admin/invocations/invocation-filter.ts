import { isInvocationId } from "./invocation-id.ts";
import { allOf, sql, type Sql } from "../sql.ts";

/** Which invocations. What is absent does not matter; what is there must all hold. */
export interface InvocationFilter {
  /** A whole id, or how it begins. */
  readonly id?: string | undefined;
  readonly service?: string | undefined;
  readonly handler?: string | undefined;
  /** Of a virtual object or workflow. */
  readonly key?: string | undefined;
  /** Any of them. */
  readonly status?: readonly string[] | undefined;
  /** The deployment that it is pinned to. */
  readonly deployment?: string | undefined;
  readonly idempotencyKey?: string | undefined;
  /** At this time or later. */
  readonly createdAfter?: Date | undefined;
  /** Before this time. */
  readonly createdBefore?: Date | undefined;
  /** `ingress`, `service`, `subscription`, `restart_as_new` or `ingress_ingestion`. */
  readonly invokedBy?: string | undefined;
  /** The invocation that called it. */
  readonly invokedById?: string | undefined;
  /** True: its latest attempt failed, and it waits for the next one or is paused for that. */
  readonly failing?: boolean | undefined;
}

/** A paused invocation has no last failure in `sys_invocation`; the event of its pause has it. */
const FAILING = sql`last_failure IS NOT NULL OR (status = 'paused' AND id IN (
  SELECT id FROM sys_journal_events WHERE event_type = 'Paused' AND event_json LIKE '%last_failure%'))`;

/**
 * The condition of a filter.
 *
 * @throws InvalidRequestError (400) for a text that cannot be searched for.
 */
export function filterCondition(filter: InvocationFilter): Sql {
  const { id, service, handler, key, status, deployment, idempotencyKey } = filter;
  const { createdAfter, createdBefore, invokedBy, invokedById, failing } = filter;
  const conditions = [
    id === undefined ? undefined : idCondition(id),
    service === undefined ? undefined : sql`target_service_name = ${service}`,
    handler === undefined ? undefined : sql`target_handler_name = ${handler}`,
    key === undefined ? undefined : sql`target_service_key = ${key}`,
    status === undefined ? undefined : sql`status IN ${status}`,
    deployment === undefined ? undefined : sql`pinned_deployment_id = ${deployment}`,
    idempotencyKey === undefined ? undefined : sql`idempotency_key = ${idempotencyKey}`,
    createdAfter === undefined ? undefined : sql`created_at >= ${createdAfter}`,
    createdBefore === undefined ? undefined : sql`created_at < ${createdBefore}`,
    invokedBy === undefined ? undefined : sql`invoked_by = ${invokedBy}`,
    invokedById === undefined ? undefined : sql`invoked_by_id = ${invokedById}`,
    failing === undefined ? undefined : failing ? FAILING : sql`NOT (${FAILING})`,
  ];
  return allOf(conditions.filter((condition) => condition !== undefined));
}

/** Restate looks a whole id up, which needs no scan, and refuses to compare with what is no id. */
function idCondition(id: string): Sql {
  return isInvocationId(id) ? sql`id = ${id}` : sql`starts_with(id, ${id})`;
}
