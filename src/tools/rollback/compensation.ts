/**
 * One thing that can be undone.
 *
 * - X1 Once. It is undone by the innermost scope that fails after it; the outer ones find it done.
 * - X2 In a step. Its result is in the journal: an attempt that dies while undoing goes on after what is undone.
 * - X3 Bounded. One that never succeeds is given up at last, and is reported; the others are undone all the same.
 */
import { CancelledError, TerminalError } from "../../restate.ts";
import { AbortedError } from "../../errors/aborted-error.ts";
import { readMessage } from "../../errors/read-error.ts";
import { type Redact, redactedError } from "../../encryption/redact.ts";
import type { RollbackItem, RollbackOutcome } from "../../errors/rollback-report.ts";
import { ToolTimeoutError } from "../../errors/tool-timeout-error.ts";
import { inFiber, type Place } from "../../journal/ambient.ts";
import { jsonCodec } from "../../journal/codec.ts";
import { invocationCounter } from "../../journal/context.ts";
import type { StepOptions, StepScope } from "../../journal/step-host.ts";
import { rollbackStepName, undoStepName } from "../../journal/step-names.ts";
import { runStep } from "../../journal/step.ts";
import type { WorkTrace } from "../../telemetry/work-trace.ts";
import type { CallOfTool } from "../current-call.ts";

/** The default bounds: those of an invocation, but then it is given up and not paused. */
export const ROLLBACK_BOUNDS: StepOptions = {
  maxRetryAttempts: 20,
  initialRetryInterval: 500,
  retryIntervalFactor: 2,
  maxRetryInterval: 60_000,
};

/** Undoes something, given its result. */
export type Act = (output: unknown, abortSignal: AbortSignal) => unknown;

/** What is known of it as long as it has not been undone. */
export interface CompensationInit {
  /** Prefix of its step's name: the run's name, or the scope's. */
  readonly run: string;
  readonly what: CallOfTool | { readonly label: string; readonly tool?: never; readonly toolCallId?: never };
  readonly outcome: RollbackOutcome;
  /** What undoes it, given what became of it; a text says why nothing does. */
  readonly act: (outcome: RollbackOutcome) => Act | string;
  readonly options?: StepOptions | undefined;
  /** False: it runs in the handler and drives Restate itself. Default true: it is one step. */
  readonly wrap?: boolean | undefined;
  readonly input?: unknown;
  readonly output?: unknown;
  /** The step of the call that was interrupted: it may have come to its end. */
  readonly step?: { waitIn(fiber: Place["fiber"]): PromiseLike<unknown> } | undefined;
}

/** One that is about to run, for its span. */
export interface Undoing extends Pick<CompensationInit, "what" | "input"> {
  readonly step: string;
  readonly outcome: RollbackOutcome;
  /** The span of the tool that has registered it; undefined: it is of the run, or the handler. */
  readonly spanId: string | undefined;
}

/** What it has from where it was noted. */
export interface CompensationOrigin {
  readonly invocationId: string;
  readonly within: CallOfTool | undefined;
  readonly spanId: string | undefined;
  readonly redact: Redact | undefined;
  readonly trace: (undoing: Undoing) => WorkTrace | undefined;
}

/** See the head of this file. */
export class Compensation {
  readonly #init: CompensationInit;
  readonly #origin: CompensationOrigin;
  #outcome: RollbackOutcome;
  #output: unknown;
  #step: CompensationInit["step"];
  #state: "pending" | "undone" | { readonly problem: string; readonly error: unknown } = "pending";
  #stepName: string | undefined;

  constructor(init: CompensationInit, origin: CompensationOrigin) {
    this.#init = init;
    this.#origin = origin;
    this.#outcome = init.outcome;
    this.#output = init.output;
    this.#step = init.step;
  }

  get isPending(): boolean {
    return this.#state === "pending";
  }

  get isUndone(): boolean {
    return this.#state === "undone";
  }

  /** Why it was not undone. */
  get failure(): { readonly problem: string; readonly error: unknown } | undefined {
    return typeof this.#state === "object" ? this.#state : undefined;
  }

  /** What a report says of it. */
  get item(): RollbackItem {
    const { problem } = this.failure ?? {};
    const { invocationId, within } = this.#origin;
    return {
      step: this.#stepName ?? this.#nameOf(1),
      invocationId,
      ...this.#init.what,
      ...(within === undefined ? {} : { within }),
      ...(this.#init.what.tool === undefined ? {} : { outcome: this.#outcome }),
      ...(problem === undefined ? {} : { problem }),
    };
  }

  /**
   * An interrupted step is asked once more how it ended: on Workers it mostly has come to its end before the cancellation
   * is heard of. If it has not, it does not begin again (step.ts).
   */
  async learn(place: Place): Promise<void> {
    const step = this.#step;
    this.#step = undefined;
    if (step === undefined || !this.isPending) return;
    try {
      this.#output = await step.waitIn(place.fiber);
      this.#outcome = "done";
    } catch (error) {
      if (!(error instanceof TerminalError)) throw error;
    }
  }

  /** Undoes it, or notes why not. Rejects only when the attempt is over. */
  async undo(place: Place): Promise<void> {
    const base = this.#nameOf(1);
    this.#stepName = this.#nameOf(invocationCounter(`undo ${base}`));
    const act = this.#init.act(this.#outcome);
    if (typeof act === "string") return this.#fail(act, undefined);
    try {
      await this.#act(place, this.#stepName, act);
      this.#state = "undone";
    } catch (error) {
      if (!(error instanceof TerminalError)) throw error;
      this.#fail(readMessage(error).slice(0, MAX_PROBLEM), error);
    }
  }

  async #act(place: Place, step: string, act: Act): Promise<void> {
    const { what, input, options, wrap = true } = this.#init;
    const { redact, spanId } = this.#origin;
    const call = async (signal: AbortSignal): Promise<undefined> => {
      try {
        await act(this.#output, signal);
        return undefined;
      } catch (error) {
        throw redact === undefined ? error : redactedError(error, redact, what.tool);
      }
    };
    const trace = this.#origin.trace({ step, what, input, outcome: this.#outcome, spanId });
    if (wrap) {
      const action = ({ signal }: StepScope): Promise<undefined> =>
        trace === undefined ? call(signal) : trace.inStep(step, () => call(signal));
      const traits = { ...ROLLBACK_BOUNDS, ...options, isCleanUp: true };
      await runStep<unknown>(place, step, action, jsonCodec, traits).waitIn(place.fiber);
    } else {
      const own = trace === undefined ? place : { ...place, spanId: trace.spanId };
      const work = (): Promise<undefined> => inFiber(own, ({ fiber }) => call(fiber.signal));
      await (trace === undefined ? work() : trace.inHandler(work));
    }
  }

  #fail(problem: string, error: unknown): void {
    this.#state = { problem, error };
  }

  #nameOf(repetition: number): string {
    const { run, what } = this.#init;
    if (what.tool === undefined) return rollbackStepName(run, what.label, repetition);
    return undoStepName(run, what.tool, what.toolCallId, repetition);
  }
}

const MAX_PROBLEM = 200;

/** What a terminal failure of a call says about its effect. */
export function outcomeOf(error: unknown): Exclude<RollbackOutcome, "done"> {
  const isCutOff =
    error instanceof CancelledError || ToolTimeoutError.isInstance(error) || AbortedError.isInstance(error);
  return isCutOff ? "unknown" : "failed";
}
