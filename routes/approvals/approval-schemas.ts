/** What callers see of approvals, and what they send. */
import { z } from "@hono/zod-openapi";
import { APPROVAL_ID } from "../../src/approvals/approval-id.ts";
import type { Approval } from "../../src/approvals/approvals.ts";

const EXAMPLE = "apr_31f2k9x_6f1d9a0c4b7e4c1f9a2d3e4f5a6b7c8d";
/** Longest reason or answer, in characters. */
export const MAX_REASON = 8_000;

const approval = z.object({
  id: z.string(),
  kind: z.enum(["approval", "question"]),
  state: z.enum(["pending", "approved", "denied", "expired", "cancelled"]),
  approved: z.boolean().optional(),
  agent: z.string(),
  session: z.object({ service: z.string(), key: z.string(), turn: z.string() }).optional(),
  invocationId: z.string(),
  tool: z.string(),
  toolCallId: z.string(),
  input: z.unknown(),
  inputTruncated: z.boolean().optional(),
  reason: z.string().optional(),
  requestedAt: z.string(),
  expiresAt: z.string().optional(),
  answeredAt: z.string().optional(),
  answeredBy: z.string().optional(),
  answer: z.string().optional(),
});

/** What callers see of one. */
export const approvalSchema: z.ZodType<Approval> = approval.openapi("Approval");

/** What the objects tell of one. */
export const keptSchema: z.ZodType<Approval> = approval.extend({ owner: z.string().optional() });

/** Some approvals, newest first. */
export interface ApprovalList {
  readonly approvals: readonly Approval[];
  readonly next?: string | undefined;
}

export const listSchema: z.ZodType<ApprovalList> = z
  .object({
    approvals: approvalSchema.array(),
    next: z.string().optional().openapi({ description: "Send it as `before` for the next page" }),
  })
  .openapi("ApprovalList");

export const idParams: z.ZodObject<{ id: z.ZodString }> = z.object({
  id: z
    .string()
    .regex(APPROVAL_ID, "must be the id of an approval")
    .openapi({ example: EXAMPLE, param: { name: "id", in: "path" } }),
});

/** An answer. */
export interface AnswerBody {
  readonly approved: boolean;
  readonly reason?: string | undefined;
}

export const answerSchema: z.ZodType<AnswerBody> = z
  .strictObject({
    approved: z.boolean(),
    reason: z
      .string()
      .max(MAX_REASON)
      .optional()
      .openapi({ description: "Told to the model when it is denied. Of a question: the answer" }),
  })
  .openapi("ApprovalAnswer");
