/**
 * What one segment of a long run hands to the next, as it is stored: JSON as in codec.ts, so binary parts, dates and
 * URLs survive. A new segment may run on a newer version, so the form is a contract: it only ever gains optional
 * fields, or another `v`.
 */
import { z } from "zod";
import { InvalidInputError } from "../errors/invalid-input-error.ts";
import { readMessage } from "../errors/read-error.ts";
import { decodeValue, encodeValue } from "../journal/codec.ts";
import type { Handover } from "./continue-as-new-segment.ts";

/** What a segment is called with. */
export interface Continuation extends Handover {
  /** Number of the segment that starts; the first one, which is not called with a continuation, is 1. */
  readonly segment: number;
  /** The parameters of `generate()` as the first segment got them, or what of them is still needed. */
  readonly parameters: object;
}

const tokens = z.number().optional();
const count = z.number().int().nonnegative();
const usage = z.looseObject({
  inputTokens: tokens,
  inputTokenDetails: z.looseObject({ noCacheTokens: tokens, cacheReadTokens: tokens, cacheWriteTokens: tokens }),
  outputTokens: tokens,
  outputTokenDetails: z.looseObject({ textTokens: tokens, reasoningTokens: tokens }),
  totalTokens: tokens,
});
/** What one model has used. */
const modelUsageSchema = z.looseObject({ provider: z.string(), modelId: z.string(), steps: count, usage });
const step = z.looseObject({
  finishReason: z.string(),
  usage,
  model: z.looseObject({ provider: z.string(), modelId: z.string() }),
  toolCalls: z.array(z.looseObject({ toolCallId: z.string(), toolName: z.string() })),
});
/** Messages are checked by role alone: each attempt reads them, and the AI SDK checks what it sends. */
const schema = z.looseObject({
  v: z.literal(1),
  segment: z.number().int().min(2),
  parameters: z.looseObject({}),
  messages: z
    .array(z.looseObject({ role: z.enum(["system", "user", "assistant", "tool"]) }))
    .min(1)
    .max(100_000),
  earlier: z.looseObject({ folded: count, usage, calls: z.map(z.string(), count), recent: z.array(step).max(1_000) }),
  overrides: z.record(z.string(), z.unknown()),
  deadlineMs: z.number().optional(),
  usage: z.array(modelUsageSchema).max(1_000).optional(),
  budget: z
    .looseObject({ startedMs: z.number().optional(), granted: z.record(z.string(), z.number()).optional() })
    .optional(),
});

/** @throws UnserializableValueError when a part of it cannot be stored, with its path. */
export function encodeContinuation(continuation: Continuation): Uint8Array {
  return encodeValue({ v: 1, ...continuation });
}

/** @throws InvalidInputError when `bytes` is something else. */
export function decodeContinuation(service: string, bytes: Uint8Array): Continuation {
  const parsed = schema.safeParse(decoded(service, bytes));
  if (!parsed.success) throw invalid(service, z.prettifyError(parsed.error));
  const { v: _, ...continuation } = parsed.data;
  return continuation as unknown as Continuation;
}

function decoded(service: string, bytes: Uint8Array): unknown {
  try {
    return decodeValue(bytes);
  } catch (error) {
    throw invalid(service, readMessage(error));
  }
}

function invalid(service: string, problem: string): InvalidInputError {
  return new InvalidInputError(
    `Cannot continue a run of ${service}: its handler "continue" is called by the service itself, with what a segment hands over: ${problem.slice(0, 500)}`,
  );
}
