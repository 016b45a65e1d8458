/**
 * Calls an agent over Restate, as an invocation of its own: own retries, own deployment, own journal.
 *
 * - K1 Once. The call is an entry of the journal, so it is made once, wherever its caller dies.
 * - K2 Nobody is left behind. Who stops waiting before there is an answer (cancelled, out of time, loser of a race) cancels
 *   what it has called. Restate does so itself only where the whole invocation is cancelled. What has an idempotency key may be
 *   others' too: who stops waiting for it lets it go on, unless its whole invocation is cancelled.
 * - K3 Its failure is its own: whoever waits gets it as a failure of the call, and never as a cancellation of itself.
 * - K4 What it has cost is counted where its answer arrives (usage-ledger.ts, L2).
 * - K5 It may use no more than what is left of its caller's budgets, shared with what is called beside it (budget-bound.ts).
 */
import { AgentRun } from "../agent/agent-run.ts";
import { readAnswer, usageOfFailure, USAGE_HEADER } from "../agent/delegation.ts";
import { BOUNDS_HEADER, writeBounds } from "../agent/budget/budget-bound.ts";
import type { Loan } from "../agent/budget/budget-meter.ts";
import type { UsageLedger } from "../agent/usage-ledger.ts";
import { ownerOf } from "../approvals/approval-owner.ts";
import { AgentCancelledError } from "../errors/agent-cancelled-error.ts";
import { AgentTimeoutError } from "../errors/agent-timeout-error.ts";
import { DefinitionError } from "../errors/definition-error.ts";
import { restoreError } from "../errors/restore-error.ts";
import { requirePlace, type Place } from "../journal/ambient.ts";
import { callerHeaders } from "../journal/caller-header.ts";
import { READERS_HEADER, writeReaders } from "../stream/reader-address.ts";
import { endsRun } from "../tools/journal-tool.ts";
import { keepRollbackReport } from "../errors/rollback-report.ts";
import { type GenericCall, serde, type Serde, TerminalError, TimeoutError } from "../restate.ts";
import { type AgentReference, agentTarget, type AgentTarget, targetName } from "./agent-target.ts";
import type { AnswerOf } from "./agent-types.ts";

/** How an agent is called. */
export interface CallAgentOptions {
  /** The handler. Default: `send` of a session, `run` of everything else. */
  readonly handler?: string | undefined;
  /** The key of an object or session. */
  readonly key?: string | undefined;
  /**
   * Calls with the same key, also of other invocations, are one invocation: the first caller's, bound by what is left of that
   * one's budgets. Who stops waiting for it does not cancel it; where a caller's whole invocation is cancelled, Restate does.
   * Default: each call is its own.
   */
  readonly idempotencyKey?: string | undefined;
  /**
   * Longest wait for the answer, in milliseconds; then the called agent is cancelled, unless there is an `idempotencyKey`.
   * Default: for ever.
   */
  readonly timeoutMs?: number | undefined;
  /** Restate's scope and limit key, for servers with flow control. */
  readonly scope?: string | undefined;
  readonly limitKey?: string | undefined;
}

const json: Serde<unknown> = serde.json as Serde<unknown>;

/**
 * Calls an agent's service, object or session over Restate, and waits for its answer. In a handler, or a context tool.
 * Several calls may run in parallel. What the call has cost counts for the agent in whose tool it is made.
 *
 * @param input As the handler takes it. Of a session a text, too.
 * @throws DefinitionError when the handler does not exist, or the key of an object is missing.
 * @throws AgentTimeoutError (408) after `timeoutMs`; AgentCancelledError (409) when the called agent was cancelled by
 * somebody else; what it failed with; CancelledError when the caller is cancelled.
 *
 * @example
 * ```ts
 * const [claim, fraud] = await Promise.all([callAgent(claimService, prompt), callAgent(fraudService, prompt)]);
 * ```
 */
export async function callAgent<DEFINITION extends AgentReference>(
  agent: DEFINITION,
  input: unknown,
  options: CallAgentOptions = {},
): Promise<AnswerOf<DEFINITION>> {
  const place = requirePlace("callAgent()");
  const target = agentTarget(agent, options.handler);
  return (await callTarget(place, target, input, options)) as AnswerOf<DEFINITION>;
}

/**
 * As `callAgent()`, at `place`.
 *
 * @param options `isOnly`: nothing else is called in the tool call that it is made in.
 * @param usage Gets what the call has used. Default: the run in whose tool it is made.
 */
export async function callTarget(
  place: Place,
  target: AgentTarget,
  input: unknown,
  options: CallAgentOptions & { readonly isOnly?: boolean },
  usage: UsageLedger | undefined = AgentRun.of(place.fiber)?.usage,
): Promise<unknown> {
  const loans = AgentRun.of(place.fiber)?.lend(place.fiber, options.isOnly === true) ?? [];
  try {
    return await callBounded(place, target, input, { ...options, loans, usage });
  } finally {
    for (const { release } of loans) release();
  }
}

/** What a call is made with besides its options. */
interface Bounded extends CallAgentOptions {
  readonly loans: readonly Loan[];
  readonly usage: UsageLedger | undefined;
}

async function callBounded(place: Place, target: AgentTarget, input: unknown, options: Bounded): Promise<unknown> {
  const { context, scheduler } = place.invocation;
  const { cancellations } = scheduler;
  const name = targetName(target, options.key);
  const call = context.genericCall<unknown, unknown>(
    bounded(watched(place, callOf(place, target, input, options)), options.loans),
  );
  // K3: its own failure is a value here; what is thrown is an interruption of the waiting.
  const ended = call.map((value, failure) => (failure === undefined ? { ok: true, value } : { ok: false, failure }));
  const { timeoutMs } = options;
  let reply: Reply;
  try {
    reply = (await (timeoutMs === undefined ? ended : ended.orTimeout(timeoutMs))) as Reply;
  } catch (error) {
    // An attempt that fails says nothing about the call: the next one goes on waiting.
    if (!(error instanceof TerminalError) || place.fiber.dead !== undefined) throw error;
    // Once is enough: a second cancellation would disturb how the called one cleans up.
    const isOthersToo = options.idempotencyKey !== undefined; // K2
    if (!isOthersToo && scheduler.cancellations === cancellations) context.cancel(await call.invocationId);
    throw error instanceof TimeoutError ? new AgentTimeoutError(name, timeoutMs ?? 0) : error;
  }
  return outputOf(name, reply, target, options.usage);
}

/** Says with the call what it may use. */
function bounded(call: GenericCall<unknown, unknown>, loans: readonly Loan[]): GenericCall<unknown, unknown> {
  if (loans.length === 0) return call;
  return { ...call, headers: { ...call.headers, [BOUNDS_HEADER]: writeBounds(loans.map(({ bound }) => bound)) } };
}

/** Says with the call who watches the caller: the progress of what is called shows there. */
function watched({ fiber }: Place, call: GenericCall<unknown, unknown>): GenericCall<unknown, unknown> {
  const readers = AgentRun.of(fiber)?.readersOfCall(fiber) ?? [];
  return readers.length === 0
    ? call
    : { ...call, headers: { ...call.headers, [READERS_HEADER]: writeReaders(readers) } };
}

/** How a call has ended. */
export type Reply =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly failure: TerminalError };

/** The output of a call that has ended; its usage is counted. */
export function outputOf(
  name: string,
  reply: Reply,
  target: Pick<AgentTarget, "isSession">,
  usage: UsageLedger | undefined,
): unknown {
  if (!reply.ok) {
    usage?.add(usageOfFailure(reply.failure));
    throw failureOf(name, reply.failure);
  }
  const { output, models } = readAnswer(reply.value);
  usage?.add(models);
  return target.isSession ? sessionOutput(output) : output;
}

/** What a call is made with. */
export function callOf(
  place: Place,
  target: AgentTarget,
  input: unknown,
  options: Omit<CallAgentOptions, "timeoutMs">,
): GenericCall<unknown, unknown> {
  const { service, handler, isKeyed, isSession } = target;
  const { key, idempotencyKey, scope, limitKey } = options;
  if (isKeyed === true && (typeof key !== "string" || key === "")) {
    throw new DefinitionError(`Cannot call ${service}/${handler}: it is an object: pass the key to call`);
  }
  return {
    service,
    method: handler,
    parameter: isSession ? turnOf(place, input) : input,
    headers: { [USAGE_HEADER]: "1", ...callerHeaders(ownerOf(place)) },
    inputSerde: json,
    outputSerde: json,
    ...(key === undefined || isKeyed === false ? {} : { key }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(scope === undefined ? {} : { scope }),
    ...(limitKey === undefined ? {} : { limitKey }),
  };
}

/** A turn with a name of its own, so that its stream can be found. */
function turnOf({ invocation }: Place, input: unknown): unknown {
  if (typeof input === "object" && input !== null && "turn" in input && input.turn !== undefined) return input;
  const turn = invocation.context.rand.uuidv4();
  return typeof input === "object" && input !== null ? { ...input, turn } : { message: input, turn };
}

function sessionOutput(answer: unknown): unknown {
  if (typeof answer !== "object" || answer === null) return answer;
  const { output, text } = answer as { readonly output?: unknown; readonly text?: unknown };
  return output ?? text;
}

/** K3: as it was thrown there. That the other one was cancelled must not look as if its caller was. */
function failureOf(target: string, failure: TerminalError): unknown {
  const restored = restoreError(failure);
  if (restored !== failure) return endsRun(restored) ? failure : restored;
  return failure.code === CANCELLED ? keepRollbackReport(failure, new AgentCancelledError(target)) : failure;
}

/** The code of Restate's `CancelledError`. */
const CANCELLED = 409;
