/** What the routes of invocations take and answer. */
import { z } from "@hono/zod-openapi";
import { INVOCATION_ACTIONS, type InvocationAction } from "../../src/admin/invocations/invocation-actions.ts";
import { type BatchItem, MAX_BATCH } from "../../src/admin/invocations/invocation-batch.ts";
import type { InvocationFilter } from "../../src/admin/invocations/invocation-filter.ts";
import type { InvocationPage } from "../../src/admin/invocations/invocation-page.ts";
import {
  type Invocation,
  INVOCATION_STATUSES,
  invocationIdSchema,
  invocationSchema as plainInvocationSchema,
} from "../../src/admin/invocations/invocation.ts";
import type { JournalPage } from "../../src/admin/timeline/journal.ts";

/** Journals count their entries with 32 bits. */
const MAX_INDEX = 0xffff_ffff;
const EXAMPLE_ID = "inv_1fjtoLCTZCOa6PB3PEmER3O4YJUE4aQCiR";

/** The invocation of a path. */
export const invocationPath: z.ZodObject<{ id: z.ZodType<string> }> = z.object({
  id: invocationIdSchema.openapi({ param: { name: "id", in: "path" }, example: EXAMPLE_ID }),
});

/** The members of an object schema that gives a T. */
type Shape<T> = { readonly [NAME in keyof T]-?: z.ZodType<T[NAME]> };

/** Text that is compared with what Restate stores. Empty is never meant. */
function searched(maxLength: number): z.ZodOptional<z.ZodString> {
  return z
    .string()
    .min(1)
    .max(maxLength)
    .refine((value) => !/\p{Cc}/u.test(value) && value.isWellFormed(), "must have no control characters")
    .optional();
}

/** A number of a query. Plain digits: `1e3` and ` 7 ` would be numbers too. */
function wholeNumber(min: number, max: number): z.ZodType<number | undefined> {
  return z
    .string()
    .regex(/^\d{1,10}$/, "must be a whole number")
    .transform(Number)
    .pipe(z.int().min(min).max(max))
    .optional()
    .openapi({ type: "integer", minimum: min, maximum: max });
}

const time = z.iso
  .datetime({ offset: true })
  .transform((value) => new Date(value))
  .optional();

const status = z
  .union([z.string(), z.string().array()])
  .transform((value) => [value].flat().flatMap((item) => item.split(",")))
  .pipe(z.enum(INVOCATION_STATUSES).array().min(1).max(20))
  .optional()
  .openapi({ type: "string", description: `Any of them, separated by commas: ${INVOCATION_STATUSES.join(", ")}` });

const flag = z
  .union([z.boolean(), z.enum(["true", "false"]).transform((value) => value === "true")])
  .optional()
  .openapi({ type: "boolean" });

const filterShape = {
  id: z
    .string()
    .regex(/^inv_[0-9A-Za-z]{0,34}$/, "must be an invocation id, or how one begins")
    .refine((id) => id.length < EXAMPLE_ID.length || invocationIdSchema.safeParse(id).success, "is no invocation id")
    .optional()
    .openapi({ description: "An id, or how it begins" }),
  service: searched(256),
  handler: searched(256),
  key: searched(4096),
  status,
  deployment: deploymentId().optional(),
  idempotencyKey: searched(4096),
  createdAfter: time.openapi({ type: "string", format: "date-time", description: "At this time or later" }),
  createdBefore: time.openapi({ type: "string", format: "date-time", description: "Before this time" }),
  invokedBy: z.enum(["ingress", "service", "subscription", "restart_as_new", "ingress_ingestion"]).optional(),
  invokedById: invocationIdSchema.optional(),
  failing: flag.openapi({ description: "Its latest attempt failed, and it waits for the next or is paused for that" }),
};

/** A list's query. A name that is not known is refused: a filter that is ignored shows too much. */
export const listQuery: z.ZodObject<Shape<ListQuery>> = z.strictObject({
  ...filterShape,
  limit: wholeNumber(1, 500).openapi({ default: 50 }),
  cursor: z.string().min(1).max(512).optional().openapi({ description: "`next` of the page before" }),
  order: z.enum(["newest", "oldest"]).optional().openapi({ default: "newest" }),
  total: flag.openapi({ description: "Counts all that match" }),
});

/** A filter, and which page. */
export interface ListQuery extends InvocationFilter {
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
  readonly order?: "newest" | "oldest" | undefined;
  readonly total?: boolean | undefined;
}

function deploymentId(): z.ZodString {
  return z.string().regex(/^dp_[0-9A-Za-z]{1,64}$/, "must be a deployment's id, such as dp_117Sc4tiwdHF3JmbS5fTblD");
}

/** Where an invocation goes on. */
export const deploymentChoice: z.ZodType<string | undefined> = z
  .union([z.enum(["latest", "keep"]), deploymentId()])
  .optional()
  .openapi({ type: "string", description: "`latest`, `keep`, or a deployment's id" });

/** Query of `resume`. */
export const resumeQuery: z.ZodObject<Shape<{ deployment: string | undefined }>> = z.strictObject({
  deployment: deploymentChoice,
});

/** Query of `restart`. */
export const restartQuery: z.ZodObject<Shape<{ deployment: string | undefined; from: number | undefined }>> =
  z.strictObject({
    deployment: deploymentChoice,
    from: wholeNumber(1, MAX_INDEX).openapi({
      description: "Index of the step that is to run again; what is before it is kept",
    }),
  });

/** Query of `timeline`. */
export const payloadsQuery: z.ZodObject<Shape<{ payloads: boolean | undefined }>> = z.strictObject({
  payloads: flag.openapi({ description: "Shows what steps gave: prompts, answers, arguments, results" }),
});

/** Query of `journal`. */
export const journalQuery: z.ZodObject<
  Shape<{ payloads: boolean | undefined; after: number | undefined; limit: number | undefined }>
> = z.strictObject({
  payloads: flag.openapi({ description: "Adds what entries carry; then a page has at most 100" }),
  after: wholeNumber(0, MAX_INDEX).openapi({ description: "Only entries after this index" }),
  limit: wholeNumber(1, 1000).openapi({ description: "Default 1000, with payloads 100" }),
});

/** A batch, by ids or by what they have in common. */
export interface BatchRequest {
  readonly action: InvocationAction;
  readonly ids?: readonly string[] | undefined;
  readonly filter?: InvocationFilter | undefined;
  readonly atMost?: number | undefined;
  readonly dryRun?: boolean | undefined;
  readonly deployment?: string | undefined;
  readonly from?: number | undefined;
}

/** Body of `batch`. */
export const batchSchema: z.ZodType<BatchRequest> = z
  .strictObject({
    action: z.enum(INVOCATION_ACTIONS),
    ids: z.string().max(64).array().min(1).max(MAX_BATCH).optional(),
    filter: z
      .strictObject(filterShape)
      .refine((filter) => Object.values(filter).some((value) => value !== undefined), "must have a condition")
      .optional(),
    atMost: z
      .int()
      .min(1)
      .max(MAX_BATCH)
      .optional()
      .openapi({ description: "With `filter`: if more match, nothing is done" }),
    dryRun: z.boolean().optional().openapi({ description: "With `filter`: only counts" }),
    deployment: deploymentChoice,
    from: z.int().min(1).max(MAX_INDEX).optional(),
  })
  .refine(({ ids, filter }) => (ids === undefined) !== (filter === undefined), "must have either ids or a filter")
  .refine(({ filter, atMost }) => (filter === undefined) === (atMost === undefined), "must have atMost with a filter")
  .refine(({ filter, dryRun }) => filter !== undefined || dryRun === undefined, "has no dry run of ids")
  .refine(
    ({ action, deployment }) => deployment === undefined || action === "resume" || action === "restart",
    "takes a deployment for resume and restart only",
  )
  .refine(({ action, from: step }) => step === undefined || action === "restart", "takes from for restart only")
  .openapi("InvocationBatch");

/** What a batch did. */
export interface BatchAnswer {
  readonly action: InvocationAction;
  readonly dryRun: boolean;
  readonly matched: number;
  readonly done: number;
  readonly items: readonly BatchItem[];
}

export const batchAnswerSchema: z.ZodType<BatchAnswer> = z
  .object({
    action: z.enum(INVOCATION_ACTIONS),
    dryRun: z.boolean(),
    matched: z.int(),
    done: z.int(),
    items: z
      .object({
        id: z.string(),
        done: z.boolean(),
        code: z.string().optional(),
        reason: z.string().optional(),
        newId: z.string().optional(),
      })
      .array(),
  })
  .openapi("InvocationBatchResult");

export const invocationSchema: z.ZodType<Invocation> = plainInvocationSchema.openapi("Invocation");

export const invocationPageSchema: z.ZodType<InvocationPage> = z
  .object({
    invocations: invocationSchema.array(),
    next: z.string().optional().openapi({ description: "Cursor of the next page; absent on the last one" }),
    total: z.int().optional(),
  })
  .openapi("InvocationPage");

const object = z.record(z.string(), z.unknown());

export const journalPageSchema: z.ZodType<JournalPage> = z
  .object({
    entries: z
      .object({
        index: z.int(),
        type: z.string(),
        name: z.string().optional(),
        appendedAt: z.string().optional(),
        bytes: z.int().optional(),
        entry: object,
        payload: object.optional(),
      })
      .array(),
    next: z.int().optional().openapi({ description: "Send it as `after` for what follows" }),
  })
  .openapi("JournalPage");
