/** How a turn ended, as its invocation tells it: the truth when its stream does not tell. */
import { z } from "@hono/zod-openapi";
import type { UIMessage } from "ai";
import { InvocationNotFoundError } from "../../src/errors/invocation-not-found-error.ts";
import type { IngressClient } from "../../src/ingress/ingress-client.ts";
import type { InvocationResult } from "../../src/ingress/result.ts";

/** How a turn ended. */
export interface TurnResult {
  /** What the assistant said; undefined when that is not known. */
  readonly message: UIMessage | undefined;
  /** What a reader is told of a failure; undefined when there was none. */
  readonly errorText: string | undefined;
  /** True when somebody cancelled it. */
  readonly isCancelled: boolean;
}

/** What readers are told of a failure, whose words may be secret. */
const MASKED = "An error occurred.";
/** What Restate says of invocations that were cancelled; of those that were killed it says "killed". */
const CANCELLED = { code: 409, message: /^cancell?ed$/i };

/** Errors of this library about what the caller sent: their words are for the caller. */
const CALLERS_OWN: ReadonlySet<string> = new Set(["invalid-input"]);

const answerSchema = z.looseObject({
  message: z.looseObject({ id: z.string(), role: z.literal("assistant"), parts: z.array(z.looseObject({})) }),
});

/** How the turn of this invocation ended; undefined while it goes on, or is queued. */
export async function turnResult(ingress: IngressClient, invocationId: string): Promise<TurnResult | undefined> {
  try {
    const result = await ingress.output(invocationId);
    return result === undefined ? undefined : resultOf(result);
  } catch (error) {
    // Forgotten, or never there: nothing of it will come.
    if (error instanceof InvocationNotFoundError) return UNKNOWN;
    throw error;
  }
}

const UNKNOWN: TurnResult = { message: undefined, errorText: MASKED, isCancelled: false };

function resultOf(result: InvocationResult): TurnResult {
  if (result.kind === "failure") {
    const { code, errorCode, message } = result;
    const errorText = errorCode !== undefined && CALLERS_OWN.has(errorCode) ? message : MASKED;
    return { message: undefined, errorText, isCancelled: code === CANCELLED.code && CANCELLED.message.test(message) };
  }
  const parsed = answerSchema.safeParse(JSON.parse(new TextDecoder().decode(result.bytes)));
  if (!parsed.success) return UNKNOWN;
  return { message: parsed.data.message as unknown as UIMessage, errorText: undefined, isCancelled: false };
}
