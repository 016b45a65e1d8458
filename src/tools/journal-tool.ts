/**
 * Runs an AI SDK tool durably: a plain tool as one journaled step (G1), a context tool as a fiber that drives
 * Restate itself. What must not become a tool error for the model leaves through the run (G5, G6).
 */
import type { Tool, ToolExecutionOptions } from "ai";
import { AbortedError } from "../errors/aborted-error.ts";
import { BlobMissingError } from "../errors/blob-missing-error.ts";
import { JournalTooLargeError } from "../errors/journal-too-large-error.ts";
import { ToolTimeoutError } from "../errors/tool-timeout-error.ts";
import { type Redact, redacted, redactedError } from "../encryption/redact.ts";
import { inFiber, type Place, runAt } from "../journal/ambient.ts";
import type { Awaitable } from "../journal/awaitable.ts";
import type { Fiber } from "../journal/fiber.ts";
import type { Window } from "../journal/run-ahead.ts";
import type { StepCodec, StepOptions, StepScope } from "../journal/step-host.ts";
import { runStep } from "../journal/step.ts";
import { CancelledError, TerminalError } from "../restate.ts";
import type { ToolErrorEvent, ToolEvent, ToolResultEvent } from "../stream/run-sink.ts";
import { isDenial } from "../approvals/denial.ts";
import { isContextTool, ownErrorPolicy } from "./context-tool.ts";
import { enterCall } from "./current-call.ts";
import type { RollbackScope } from "./rollback/rollback-scope.ts";
import { withoutRollback } from "./rollback/tool-rollback.ts";
import { UndoableCall } from "./rollback/undoable-call.ts";
import { type Pausing, pausingOf } from "./pausing-tool.ts";
import type { ToolErrorPolicy, ToolOptions } from "./tool-options.ts";
import type { ToolTrace } from "./tool-trace.ts";

/** A preliminary output of a tool that is an async generator, sent live from inside its step. */
export interface ToolOutputEvent {
  readonly type: "tool-output";
  readonly step: string;
  readonly toolCallId: string;
  readonly toolName: string;
  readonly output: unknown;
}

/** What tools need from the run that they belong to. */
export interface ToolHost {
  readonly place: Place;
  readonly failure: { readonly error: unknown } | undefined;
  readonly callerSignal: AbortSignal | undefined;
  readonly errorPolicy: ToolErrorPolicy;
  /** How far steps may run ahead of their acknowledgements; undefined: not at all. */
  readonly window: Window | undefined;
  /** Notes what calls can be undone. */
  readonly rollback: RollbackScope;
  /** How the result of a step is stored. */
  codec(step: string): StepCodec<unknown>;
  /** Settles when everything before is durable (G4). */
  barrier(place: Place): Promise<void>;
  nextToolStep(toolName: string, toolCallId: string): string;
  fail(error: unknown): void;
  kill(error: unknown): void;
  throwIfFailed(): void;
  /** A call runs in `fiber`. */
  entered(fiber: Fiber, toolCallId: string): void;
  /** Told of every call, so that a failed run waits for its tools. */
  track<T>(call: Promise<T>): Promise<T>;
  /** Longest time for one call of the tool in milliseconds, if bounded. */
  timeoutMs(toolName: string): number | undefined;
  onOutput(event: ToolOutputEvent): PromiseLike<void>;
  /** Told of how a call ends, inside its step. It never rejects. */
  live(event: ToolResultEvent | ToolErrorEvent): PromiseLike<void>;
  /** Told of what the journal has, in its order, on replays too. */
  settled(event: ToolEvent): void;
  /** Asks people; undefined: nobody is asked here. */
  readonly admit: Admit | undefined;
  /** Says what is kept of a text. */
  readonly redact?: Redact | undefined;
  /** Called inside the step of a call, before the tool is executed. It must not throw. */
  executing(toolCallId: string): void;
  /** Where the span of a call belongs; undefined: none is made. Called in the order of the calls. */
  trace(toolName: string, toolCallId: string, description: string | undefined): ToolTrace | undefined;
}

type Execute = (input: unknown, options: ToolExecutionOptions<never>) => unknown;

/** Waits until a call may run: undefined, or must not: what stands in for its result. */
export type Admit = (
  call: { readonly toolName: string; readonly input: unknown; readonly options: ToolExecutionOptions<never> },
  place: Place,
) => PromiseLike<unknown>;

/** One call of one tool. */
interface Call {
  readonly toolName: string;
  readonly execute: Execute;
  readonly input: unknown;
  readonly options: ToolExecutionOptions<never>;
  readonly trace: ToolTrace | undefined;
  /** Undefined: it cannot be undone. */
  readonly undoable: UndoableCall | undefined;
  readonly errorPolicy: ToolErrorPolicy;
  /** How it waits for what no step can; undefined: it does not. */
  readonly pausing: Pausing | undefined;
}

/** The tool with an `execute` that is durable. Tools without one (client tools, provider tools) are left as they are. */
export function journalTool(toolName: string, tool: Tool, toolOptions: ToolOptions, host: ToolHost): Tool {
  const execute = tool.execute as Execute | undefined;
  if (execute === undefined) return tool;
  const { wrap = true, readOnly = false, ...stepOptions } = withoutRollback(toolOptions);
  const asStep = wrap && !isContextTool(tool);
  const errorPolicy = ownErrorPolicy(tool) ?? host.errorPolicy;
  const durable: Execute = (input, options) => {
    host.throwIfFailed();
    const description = typeof tool.description === "string" ? tool.description : undefined;
    const trace = host.trace(toolName, options.toolCallId, description);
    const { toolCallId } = options;
    const undoable = UndoableCall.of(host.rollback, toolOptions, { tool: toolName, toolCallId, input });
    const pausing = pausingOf(tool);
    const own = { undoable, errorPolicy, pausing };
    const call: Call = { toolName, execute: execute.bind(tool), input, options, trace, ...own };
    const begin = async (place: Place): Promise<unknown> => {
      enterCall(place.fiber, { tool: toolName, toolCallId });
      const refusal = await host.admit?.(call, place);
      if (refusal !== undefined) return refusal;
      if (!readOnly) await host.barrier(place);
      undoable?.begins();
      return asStep ? callAsStep(host, call, place, stepOptions) : callInHandler(host, call, place);
    };
    host.settled({ type: "tool-input", ...idsOf(call), input });
    const work = (place: Place): Promise<unknown> => {
      host.entered(place.fiber, toolCallId);
      return settle(host, call, begin(place));
    };
    return host.track(inFiber(host.place, work));
  };
  return { ...tool, execute: durable } as Tool;
}

async function callAsStep(host: ToolHost, call: Call, place: Place, stepOptions: StepOptions): Promise<unknown> {
  let output = await callOnce(host, call, place, stepOptions);
  while (call.pausing?.isPaused(output) === true) {
    const { toolName, pausing, options } = call;
    const execute = await pausing.resume({ toolName, toolCallId: options.toolCallId, place, output });
    await host.barrier(place);
    output = await callOnce(host, { ...call, execute }, place, stepOptions);
  }
  return output;
}

function callOnce(host: ToolHost, call: Call, place: Place, stepOptions: StepOptions): Awaitable<unknown> {
  const name = host.nextToolStep(call.toolName, call.options.toolCallId);
  const work = (scope: StepScope): Promise<unknown> => insideStep(host, call, name, scope);
  const { trace, input } = call;
  const action = trace === undefined ? work : (scope: StepScope) => trace.inStep(name, input, () => work(scope));
  const step = runStep(place, name, action, host.codec(name), { ...stepOptions, window: host.window });
  call.undoable?.is(endOf(step, call));
  return step;
}

/** How a call has ended, for who undoes it; one that waits for a person has not, and nobody knows what it did. */
function endOf(step: Awaitable<unknown>, { pausing }: Call): Pick<Awaitable<unknown>, "waitIn"> {
  if (pausing === undefined) return step;
  return {
    waitIn: async (fiber) => {
      const output = await step.waitIn(fiber);
      if (pausing.isPaused(output)) throw new CancelledError();
      return output;
    },
  };
}

async function insideStep(host: ToolHost, call: Call, step: string, scope: StepScope): Promise<unknown> {
  host.executing(call.options.toolCallId);
  const timeoutMs = host.timeoutMs(call.toolName);
  const timeout = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
  const abortSignal = anySignal(call.options.abortSignal, host.callerSignal, scope.signal, timeout);
  const { toolCallId } = call.options;
  const onPart = (output: unknown): PromiseLike<void> =>
    host.onOutput({ type: "tool-output", step, toolCallId, toolName: call.toolName, output: kept(host, call, output) });
  const failureOf = (error: unknown): unknown => {
    if (timeout?.aborted === true) return new ToolTimeoutError(call.toolName, timeoutMs ?? 0);
    if (host.callerSignal?.aborted === true) return new AbortedError(step, host.callerSignal.reason);
    return error;
  };
  try {
    host.callerSignal?.throwIfAborted();
    const work = lastOutput(call.execute(call.input, { ...call.options, abortSignal }), onPart);
    const given = await (timeout === undefined ? work : Promise.race([work, rejectOnAbort(timeout)]));
    const output = kept(host, call, given);
    if (call.pausing?.isPaused(output) !== true) await host.live({ type: "tool-result", ...idsOf(call), output });
    return output;
  } catch (thrown) {
    const error = keptError(host, call, failureOf(thrown));
    if (error instanceof TerminalError && call.errorPolicy === "model" && !endsRun(error)) {
      await host.live({ type: "tool-error", ...idsOf(call), error });
    }
    throw error;
  }
}

/** What a call gives, redacted; what makes it pause is no output. */
function kept({ redact }: ToolHost, { toolName, pausing }: Call, output: unknown): unknown {
  if (redact === undefined || pausing?.isPaused(output) === true) return output;
  return redacted(output, redact, { kind: "tool-output", toolName });
}

/** Why a call failed, redacted; not what ends the run, which says nothing of the tool's. */
function keptError({ redact }: ToolHost, { toolName }: Call, error: unknown): unknown {
  return redact === undefined || endsRun(error) ? error : redactedError(error, redact, toolName);
}

function idsOf({ toolName, options }: Call): { readonly toolCallId: string; readonly toolName: string } {
  return { toolCallId: options.toolCallId, toolName };
}

function callInHandler(host: ToolHost, call: Call, outer: Place): Promise<unknown> {
  const { trace, input } = call;
  if (trace === undefined) return executeInHandler(host, call, outer);
  const place: Place = { ...outer, spanId: trace.spanId };
  return trace.inHandler(input, () => runAt(place, () => executeInHandler(host, call, place)));
}

async function executeInHandler(host: ToolHost, call: Call, place: Place): Promise<unknown> {
  const { scheduler } = place.invocation;
  const timeoutMs = host.timeoutMs(call.toolName);
  let isLate = false;
  const onLate = (): void => {
    isLate = true;
    // An agent in the tool must not take it for a failure of one of its own tools: it ends, as when cancelled.
    scheduler.interrupt(place.fiber, new CancelledError());
  };
  const release =
    timeoutMs === undefined ? undefined : scheduler.watch(scheduler.sleep(timeoutMs), place.fiber, onLate, timeoutMs);
  try {
    const abortSignal = anySignal(call.options.abortSignal, host.callerSignal, place.fiber.signal);
    return kept(
      host,
      call,
      await lastOutput(call.execute(call.input, { ...call.options, abortSignal }), async () => {}),
    );
  } catch (error) {
    throw keptError(host, call, error);
  } finally {
    release?.();
    // oxlint-disable-next-line no-unsafe-finally -- a tool that swallowed the interruption is late all the same
    if (isLate) throw new ToolTimeoutError(call.toolName, timeoutMs ?? 0);
  }
}

/** What no model can do anything about. */
const ENDS_RUN: readonly ((error: unknown) => boolean)[] = [
  (error) => error instanceof CancelledError,
  (error) => AbortedError.isInstance(error),
  (error) => JournalTooLargeError.isInstance(error),
  (error) => BlobMissingError.isInstance(error),
];

/** True for failures that end a run, whatever its policy. */
export function endsRun(error: unknown): boolean {
  return ENDS_RUN.some((isInstance) => isInstance(error));
}

/** Decides who hears of a failure: the model, the caller of the agent, or Restate. */
async function settle(host: ToolHost, call: Call, work: PromiseLike<unknown>): Promise<unknown> {
  try {
    const output = await work;
    call.undoable?.done(output);
    host.throwIfFailed(); // A tool that swallowed the cancellation does not undo it.
    if (!isDenial(output)) host.settled({ type: "tool-result", ...idsOf(call), output });
    return output;
  } catch (error) {
    call.undoable?.failed(error);
    host.throwIfFailed();
    if (!(error instanceof TerminalError)) host.kill(error);
    else if (call.errorPolicy === "fail" || endsRun(error)) host.fail(error);
    else host.settled({ type: "tool-error", ...idsOf(call), error });
    throw error;
  }
}

/** The AI SDK's rule for async generators: every output is preliminary, the last one is the result. */
async function lastOutput(output: unknown, onPart: (output: unknown) => PromiseLike<void>): Promise<unknown> {
  if (!isAsyncIterable(output)) return await output;
  let last: unknown;
  for await (const part of output) {
    last = part;
    await onPart(part);
  }
  return last;
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

function anySignal(...signals: readonly (AbortSignal | undefined)[]): AbortSignal {
  return AbortSignal.any(signals.filter((signal) => signal !== undefined));
}

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
}
