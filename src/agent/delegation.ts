/**
 * What an agent's service tells an agent that calls it besides its answer: what the answer has cost.
 *
 * The caller asks for it with a header; a handler that knows nothing of it, such as one of an older version, answers as
 * ever. So any handler can be called, and callers that do not ask get what they always got. A failure has it in its
 * metadata.
 */
import { z } from "zod";
import { readString } from "../errors/read-error.ts";
import { atBoundary } from "../journal/handlers.ts";
import { isJsonObject } from "../journal/json.ts";
import { type Context, TerminalError } from "../restate.ts";
import type { BudgetBound } from "./budget/budget.ts";
import { BOUNDS_HEADER, readBounds } from "./budget/budget-bound.ts";
import { READERS_HEADER, readReaders } from "../stream/reader-address.ts";
import { RemoteProgress } from "../stream/remote-progress.ts";
import type { RunSink } from "../stream/run-sink.ts";
import { type ModelUsage, UsageLedger } from "./usage-ledger.ts";

/** The header of a call whose caller wants to know the usage. */
export const USAGE_HEADER = "x-restate-edge-agents-usage";

/** Marks an answer that has more in it than the output. */
const ANSWER = "restate-edge-agents.answer";
/** Of a failure's metadata. */
const USAGE = "restate-edge-agents.usage";

/** An answer, and what it has cost. */
export interface DelegatedAnswer {
  readonly output: unknown;
  readonly models: readonly ModelUsage[];
}

const tokens = z.number().optional();
const modelsSchema = z.array(
  z.looseObject({
    provider: z.string(),
    modelId: z.string(),
    steps: z.number().int().nonnegative(),
    usage: z.looseObject({
      inputTokens: tokens,
      inputTokenDetails: z.looseObject({ noCacheTokens: tokens, cacheReadTokens: tokens, cacheWriteTokens: tokens }),
      outputTokens: tokens,
      outputTokenDetails: z.looseObject({ textTokens: tokens, reasoningTokens: tokens }),
      totalTokens: tokens,
    }),
  }),
);

/** What a call of an agent comes with. */
export interface Delegation {
  /** Gets what the call uses. */
  readonly usage: UsageLedger;
  /** Shows its caller's watchers what it does; undefined: nobody watches. */
  readonly sink: RunSink | undefined;
  /** What is left of its caller's budgets. */
  readonly bounds: readonly BudgetBound[];
}

/** The headers of a further invocation that goes on with the work of this one. */
export function delegatedHeaders(context: Context): Readonly<Record<string, string>> {
  const { headers } = context.request();
  const own = [USAGE_HEADER, READERS_HEADER, BOUNDS_HEADER].flatMap((name) => {
    const value = headers.get(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(own);
}

/** True when the caller of this invocation wants to know the usage. */
function isDelegated(context: Context): boolean {
  return context.request().headers.get(USAGE_HEADER) !== undefined;
}

/**
 * Answers a call: with the output of `work`, and what it has added to the ledger where the caller asks for that.
 *
 * @throws what `work` throws, with the usage in its metadata when it is terminal.
 */
export async function delegated(context: Context, work: (call: Delegation) => Promise<unknown>): Promise<unknown> {
  const ledger = new UsageLedger();
  const { headers } = context.request();
  const readers = readReaders(headers.get(READERS_HEADER));
  const sink = readers.length === 0 ? undefined : new RemoteProgress(readers);
  const call = { usage: ledger, sink, bounds: readBounds(headers.get(BOUNDS_HEADER)) };
  if (!isDelegated(context)) return work(call);
  try {
    const output = await work(call);
    // What a further segment has answered is complete (continue-as-new.ts).
    return isAnswer(output) ? output : { [ANSWER]: 1, output, models: ledger.models };
  } catch (error) {
    throw withUsage(atBoundary(error), ledger.models);
  }
}

function withUsage(error: unknown, models: readonly ModelUsage[]): unknown {
  if (!(error instanceof TerminalError) || models.length === 0 || error.metadata?.[USAGE] !== undefined) return error;
  return Object.assign(error, { metadata: { ...error.metadata, [USAGE]: JSON.stringify(models) } });
}

/** Reads what a handler has answered, whether it knows of all this or not. */
export function readAnswer(value: unknown): DelegatedAnswer {
  if (!isAnswer(value)) return { output: value, models: [] };
  return { output: value["output"], models: modelsOf(value["models"]) };
}

/** What a call that failed has cost, as far as it is known. */
export function usageOfFailure(failure: TerminalError): readonly ModelUsage[] {
  const text = readString(failure.metadata, USAGE);
  try {
    return text === undefined ? [] : modelsOf(JSON.parse(text));
  } catch {
    return [];
  }
}

function isAnswer(value: unknown): value is Readonly<Record<string, unknown>> {
  return isJsonObject(value) && value[ANSWER] === 1;
}

function modelsOf(value: unknown): readonly ModelUsage[] {
  const parsed = modelsSchema.safeParse(value);
  return parsed.success ? (parsed.data as unknown as readonly ModelUsage[]) : [];
}
