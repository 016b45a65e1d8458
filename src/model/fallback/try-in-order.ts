/**
 * Asks one model after another, all inside one step.
 *
 * - F1 The caller's signal ends it: nobody is asked after that.
 * - F2 A model whose time is over is ended and not heard any more, also if it ignores its signal.
 * - F3 When all have failed, a transient failure among them makes the whole one transient, so that Restate tries again, and
 *   all of them from the first one on. If each of those says how long to wait, the shortest time is waited for.
 */
import { classifyFailure, unwrapped } from "../../errors/classify.ts";
import { describeFallback, type FailedModel, FallbackFailedError } from "../../errors/fallback-failed-error.ts";
import { providerFailure } from "../../errors/provider-failure.ts";
import { readString } from "../../errors/read-error.ts";
import { durationMs } from "../../journal/duration.ts";
import { RetryableError, TerminalError } from "../../restate.ts";
import { untilAborted } from "../provider-call.ts";
import type { FallbackOptions, TriedModel } from "./fallback-options.ts";
import { fallsBack } from "./falls-back.ts";

/** Anything with a provider and an id. */
export interface NamedModel {
  readonly provider: string;
  readonly modelId: string;
}

/** What came of it. */
export interface Answered<MODEL, ANSWER> {
  readonly model: MODEL;
  readonly answer: ANSWER;
  /** Those who were asked before, and failed. */
  readonly tried: readonly TriedModel[];
}

/** `ask` gets a signal that ends with the caller's, and when the model's time is over. */
export async function tryInOrder<MODEL extends NamedModel, ANSWER>(
  models: readonly MODEL[],
  options: FallbackOptions,
  caller: AbortSignal | undefined,
  ask: (model: MODEL, signal: AbortSignal) => PromiseLike<ANSWER>,
): Promise<Answered<MODEL, ANSWER>> {
  const tried: TriedModel[] = [];
  const failures: Judged[] = [];
  for (const model of models) {
    const started = now();
    const limit = new TimeLimit(options.timeoutMs);
    const signal = AbortSignal.any([limit.signal, ...(caller === undefined ? [] : [caller])]);
    try {
      signal.throwIfAborted();
      const answer = await untilAborted(Promise.resolve(ask(model, signal)), signal); // F2
      return { model, answer, tried };
    } catch (thrown) {
      if (caller?.aborted === true) throw caller.reason; // F1
      const error: unknown = limit.signal.aborted ? limit.signal.reason : thrown;
      const { provider, modelId } = model;
      const failed = { provider, modelId, code: codeOf(error, limit.signal.aborted), ms: Math.max(0, now() - started) };
      tried.push(failed);
      const failure = classifyFailure(error, { what: `${provider} ${modelId}`, provider, modelId });
      failures.push({ failed, failure });
      const statusCode = providerFailure(unwrapped(error))?.statusCode;
      const byDefault = fallsBack(error, failure);
      if (!(options.shouldFallBack?.({ ...failed, statusCode, error }, byDefault) ?? byDefault)) throw failure;
    } finally {
      limit.stop();
    }
  }
  throw allFailed(failures);
}

interface Judged {
  readonly failed: TriedModel;
  /** What would be thrown if there were no other model. */
  readonly failure: Error;
}

/** One failure is what it is; several are named. See F3. */
function allFailed(failures: readonly Judged[]): Error {
  const [first] = failures;
  if (failures.length === 1 && first !== undefined) return first.failure;
  const models = failures.map(({ failed: { provider, modelId, code }, failure }): FailedModel => {
    return { provider, modelId, code, reason: failure.message.replace(/^Model call failed: /, "") };
  });
  const transient = failures.filter(({ failure }) => !(failure instanceof TerminalError));
  if (transient.length === 0) return new FallbackFailedError(models);
  const waits = transient.map(({ failure }) =>
    failure instanceof RetryableError ? durationMs(failure.retryAfter ?? 0) : 0,
  );
  const milliseconds = Math.min(...waits);
  return new RetryableError(describeFallback(models), milliseconds > 0 ? { retryAfter: { milliseconds } } : {});
}

function codeOf(error: unknown, isTimeout: boolean): string {
  if (isTimeout) return "timeout";
  const actual = unwrapped(error);
  const status = providerFailure(actual)?.statusCode;
  return status === undefined ? (readString(actual, "name") ?? "Error") : String(status);
}

/** The time that one model has. */
class TimeLimit {
  readonly #controller = new AbortController();
  // oxlint-disable-next-line no-restricted-globals -- a type
  readonly #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ms: number | undefined) {
    if (ms === undefined) return;
    // oxlint-disable-next-line no-restricted-globals -- inside a journaled step
    this.#timer = setTimeout(() => this.#controller.abort(new Error(`No answer within ${ms} ms`)), ms);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** No limit from here on. */
  stop(): void {
    clearTimeout(this.#timer);
  }
}

function now(): number {
  // oxlint-disable-next-line no-restricted-properties -- inside a journaled step
  return Date.now();
}
