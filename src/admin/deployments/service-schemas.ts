/** Services and handlers. Durations are texts such as `1 day` or `10m`; Restate reads ISO 8601 (`PT10M`) too. */
import { z } from "zod";
import { type SchemaInfo, schemaInfoSchema, textsSchema } from "../info.ts";

/** How failed attempts are tried again. */
export interface RetryPolicy {
  readonly initialInterval?: string | undefined;
  readonly maxInterval?: string | undefined;
  readonly exponentiationFactor?: number | undefined;
  /** Absent: without end. */
  readonly maxAttempts?: number | undefined;
  /** `Pause` or `Kill`. */
  readonly onMaxAttempts?: string | undefined;
}

const retryPolicySchema: z.ZodType<RetryPolicy> = z.object({
  initialInterval: z.string().optional(),
  maxInterval: z.string().optional(),
  exponentiationFactor: z.number().optional(),
  maxAttempts: z.int().optional(),
  onMaxAttempts: z.string().optional(),
});

/** What services and handlers have in common. */
interface Described {
  readonly name: string;
  readonly documentation?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly info?: readonly SchemaInfo[] | undefined;
  /** False: only other services may call, the ingress refuses. */
  readonly public?: boolean | undefined;
  readonly retryPolicy?: RetryPolicy | undefined;
  readonly inactivityTimeout?: string | undefined;
  readonly abortTimeout?: string | undefined;
  readonly journalRetention?: string | undefined;
  readonly idempotencyRetention?: string | undefined;
  readonly enableLazyState?: boolean | undefined;
}

const described = {
  name: z.string(),
  documentation: z.string().optional(),
  metadata: textsSchema.optional(),
  info: schemaInfoSchema.array().optional(),
  public: z.boolean().optional(),
  retryPolicy: retryPolicySchema.optional(),
  inactivityTimeout: z.string().optional(),
  abortTimeout: z.string().optional(),
  journalRetention: z.string().optional(),
  idempotencyRetention: z.string().optional(),
  enableLazyState: z.boolean().optional(),
};

/** A handler. Absent settings are those of its service. */
export interface Handler extends Described {
  /** `Exclusive`, `Shared` or `Workflow`; absent for handlers of plain services. */
  readonly type?: string | undefined;
  /** For people; empty without a schema. */
  readonly inputDescription: string;
  readonly outputDescription: string;
  readonly inputJsonSchema?: unknown;
  readonly outputJsonSchema?: unknown;
}

/** Reads `Handler`. */
export const handlerSchema: z.ZodType<Handler> = z.object({
  ...described,
  type: z.string().optional(),
  inputDescription: z.string(),
  outputDescription: z.string(),
  inputJsonSchema: z.unknown().optional(),
  outputJsonSchema: z.unknown().optional(),
});

/** A service. */
export interface Service extends Described {
  /** `Service`, `VirtualObject` or `Workflow`. */
  readonly type: string;
  /** The deployment of its latest revision; new invocations go there. */
  readonly deploymentId: string;
  readonly revision: number;
  readonly handlers: readonly Handler[];
  /** Workflows only. */
  readonly workflowCompletionRetention?: string | undefined;
}

/** Reads `Service`. */
export const serviceSchema: z.ZodType<Service> = z.object({
  ...described,
  type: z.string(),
  deploymentId: z.string(),
  revision: z.int(),
  handlers: handlerSchema.array(),
  workflowCompletionRetention: z.string().optional(),
});

/** What can be changed of a service. Absent: as it is. */
export interface ServiceSettings {
  readonly public?: boolean | undefined;
  readonly idempotencyRetention?: string | undefined;
  readonly journalRetention?: string | undefined;
  readonly workflowCompletionRetention?: string | undefined;
  readonly inactivityTimeout?: string | undefined;
  readonly abortTimeout?: string | undefined;
}

const duration = z.string().min(1).max(64).optional();

/** Reads `ServiceSettings`. */
export const serviceSettingsSchema: z.ZodType<ServiceSettings> = z.strictObject({
  public: z.boolean().optional(),
  idempotencyRetention: duration,
  journalRetention: duration,
  workflowCompletionRetention: duration,
  inactivityTimeout: duration,
  abortTimeout: duration,
});
