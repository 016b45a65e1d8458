import { z } from "@hono/zod-openapi";
import type { FailedAttempt } from "../../src/admin/timeline/journal-events.ts";
import { STEP_KINDS } from "../../src/admin/timeline/timeline-command.ts";
import {
  STEP_STATUSES,
  type StepFailure,
  type Timeline,
  type TimelineStep,
} from "../../src/admin/timeline/timeline.ts";
import { invocationSchema } from "./invocation-schemas.ts";

const text = z.string().optional();
const count = z.int().min(0);

const failureSchema: z.ZodType<StepFailure> = z.object({
  message: z.string(),
  errorCode: z.int().optional(),
  code: text,
  at: text,
});

const attemptSchema: z.ZodType<FailedAttempt> = z
  .object({
    message: z.string(),
    errorCode: z.int().optional(),
    code: text,
    at: z.string(),
    commandIndex: count.optional(),
    name: text,
    paused: z.boolean(),
  })
  .openapi("FailedAttempt");

const stepSchema: z.ZodType<TimelineStep> = z
  .object({
    index: count.optional().openapi({ description: "Index of the journal entry: what restart takes as `from`" }),
    kind: z.enum(STEP_KINDS),
    name: z.string(),
    agent: text,
    server: text.openapi({ description: "The MCP server that was asked" }),
    tool: text,
    toolCallId: text,
    invocationId: text.openapi({
      description: "Of a call: the invocation that it made; of a signal sent, or an attachment: the other one",
    }),
    dueAt: text,
    status: z.enum(STEP_STATUSES),
    startedAt: text,
    completedAt: text,
    durationMs: z.number().optional(),
    attempts: count,
    retries: count,
    lastFailure: failureSchema.optional(),
    model: z
      .object({
        model: text,
        finishReason: text,
        providerMs: z.number().optional(),
        tokens: z.object({
          input: z.number().optional(),
          cachedInput: z.number().optional(),
          output: z.number().optional(),
          reasoning: z.number().optional(),
        }),
        fallback: z
          .object({
            provider: z.string(),
            modelId: z.string(),
            tried: z.array(z.object({ provider: z.string(), modelId: z.string(), code: z.string(), ms: z.number() })),
          })
          .optional()
          .openapi({ description: "Of a fallback model: who has answered, and who failed before" }),
      })
      .optional(),
    output: z.unknown().optional(),
  })
  .openapi("TimelineStep");

export const timelineSchema: z.ZodType<Timeline> = z
  .object({
    invocation: invocationSchema,
    steps: stepSchema.array(),
    failures: attemptSchema.array(),
    totals: z.object({
      modelSteps: count,
      toolSteps: count,
      steps: count,
      retries: count,
      inputTokens: z.number(),
      outputTokens: z.number(),
      modelStepsCounted: count,
      wallMs: z.number(),
    }),
    journal: z.enum(["whole", "cut", "absent"]),
  })
  .openapi("Timeline");
