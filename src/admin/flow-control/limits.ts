import { z } from "zod";
import type { AdminHttp } from "../admin-http.ts";
import { ask, type Operation } from "../operation.ts";
import { sql } from "../sql.ts";

/** What a rule allows. */
export interface RuleLimits {
  /** Most invocations that run at once. Absent: without limit. */
  readonly concurrency?: number | undefined;
}

/** A rule of Restate's flow control. */
export interface LimitRule {
  /** Scope and limit keys that it is for: `*`, `scope/*`, `scope/key/*`, `scope/key`. */
  readonly pattern: string;
  readonly limits: RuleLimits;
  readonly description?: string | undefined;
  /** Kept, but without effect. */
  readonly disabled: boolean;
  /** Grows with each change. */
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly lastModifiedMs: number;
}

const concurrency = z.int().min(1).max(4_294_967_295).optional();

/** Reads `LimitRule`. */
export const limitRuleSchema: z.ZodType<LimitRule> = z.object({
  pattern: z.string(),
  limits: z.object({ concurrency: z.int().optional() }),
  description: z.string().optional(),
  disabled: z.boolean(),
  version: z.int(),
  lastModifiedMs: z.int(),
});

/** What must hold of a rule for it to be changed. */
export type RulePrecondition =
  | { readonly type: "none" }
  | { readonly type: "does_not_exist" }
  | { readonly type: "matches"; readonly version: number };

/** A rule to write: all of it, what is absent is removed. */
export interface RuleChange {
  readonly pattern: string;
  readonly limits?: RuleLimits | undefined;
  readonly description?: string | undefined;
  readonly disabled?: boolean | undefined;
  /** Default `none`. */
  readonly precondition?: RulePrecondition | undefined;
}

/** A rule to delete. */
export interface RuleDeletion {
  readonly pattern: string;
  /** Refuses when the rule has another version. Absent: whatever it has; a rule that is not there is no error. */
  readonly expectedVersion?: number | undefined;
}

const version = z.int().min(0).max(4_294_967_295);
const pattern = z
  .string()
  .regex(
    /^(\*|[\w.-]{1,36})(\/(\*|[\w.-]{1,36})){0,2}$/,
    "must be up to three names of [A-Za-z0-9_.-] or *, with / between",
  );

/** Reads `RuleChange`. */
export const ruleChangeSchema: z.ZodType<RuleChange> = z.strictObject({
  pattern,
  limits: z.strictObject({ concurrency }).optional(),
  description: z.string().max(1_024).optional(),
  disabled: z.boolean().optional(),
  precondition: z
    .discriminatedUnion("type", [
      z.strictObject({ type: z.literal("none") }),
      z.strictObject({ type: z.literal("does_not_exist") }),
      z.strictObject({ type: z.literal("matches"), version }),
    ])
    .optional(),
});

/** Reads `RuleDeletion`. */
export const ruleDeletionSchema: z.ZodType<RuleDeletion> = z.strictObject({
  pattern,
  expectedVersion: version.optional(),
});

/** What `limits` of the client calls. */
export const LIMIT_OPERATIONS: {
  readonly upsert: Operation<readonly LimitRule[], readonly RuleChange[]>;
  readonly remove: Operation<readonly string[], readonly RuleDeletion[]>;
} = {
  upsert: { method: "PUT", path: "/limits/rules", body: ruleChangeSchema.array(), answer: limitRuleSchema.array() },
  remove: {
    method: "POST",
    path: "/limits/rules/bulk-delete",
    body: ruleDeletionSchema.array(),
    answer: z.string().array(),
  },
};

const rowSchema = z.object({
  pattern: z.string(),
  concurrency: z.int().optional(),
  description: z.string().optional(),
  disabled: z.boolean(),
  version: z.int(),
  last_modified_ms: z.int(),
});

/**
 * Rules of Restate's flow control: how many invocations of a scope and limit key run at once. A server without the
 * feature `vqueues` keeps rules, and does not apply them.
 */
export class Limits {
  readonly #http: AdminHttp;

  constructor(http: AdminHttp) {
    this.#http = http;
  }

  /** All rules, by pattern. */
  async list(): Promise<readonly LimitRule[]> {
    const rows = await this.#http.query(
      sql`SELECT pattern, concurrency, description, disabled, version, CAST(last_modified AS BIGINT) AS last_modified_ms FROM sys_rules ORDER BY pattern`,
      rowSchema,
    );
    return rows.map(({ concurrency, last_modified_ms: lastModifiedMs, ...rule }) => ({
      ...rule,
      limits: { concurrency },
      lastModifiedMs,
    }));
  }

  /**
   * Writes rules, all or none.
   *
   * @throws RestateRefusedError (409) when a precondition does not hold.
   */
  upsert(rules: readonly RuleChange[]): Promise<readonly LimitRule[]> {
    return ask(this.#http, LIMIT_OPERATIONS.upsert, { body: rules });
  }

  /**
   * Deletes rules, all or none; the patterns of those that were there.
   *
   * @throws RestateRefusedError (409) when a rule has another version than expected.
   */
  remove(rules: readonly RuleDeletion[]): Promise<readonly string[]> {
    return ask(this.#http, LIMIT_OPERATIONS.remove, { body: rules });
  }
}
