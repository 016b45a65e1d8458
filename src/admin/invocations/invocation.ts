import { z } from "zod";
import { isInvocationId } from "./invocation-id.ts";

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
