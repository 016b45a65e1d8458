/** What every call of a provider inside a journaled step has in common: who ends it, and what its failure is. */
import { AbortedError } from "../errors/aborted-error.ts";
import { classifyFailure } from "../errors/classify.ts";
import { RestateError } from "../restate.ts";

/** A call that has failed, and those who could have ended it. */
export interface FailedCall {
  /** Name of the step. */
  readonly name: string;
  readonly provider: { readonly provider: string; readonly modelId: string };
  /** The caller's own signal. */
  readonly caller: AbortSignal | undefined;
  /** Ended with the attempt. */
  readonly attempt: AbortSignal;
  /** The bounds of the call. */
  readonly limits: AbortSignal;
}

/**
 * What to throw out of the step (G6). Who ended the call decides: the end of the attempt before the caller's signal,
 * because an abort that only echoes it must not be recorded.
 */
export function judgeCall(error: unknown, { name, provider, caller, attempt, limits }: FailedCall): unknown {
  if (attempt.aborted) return attempt.reason;
  if (caller?.aborted === true) {
    return caller.reason instanceof RestateError ? caller.reason : new AbortedError(name, caller.reason);
  }
  const context = { what: name, provider: provider.provider, modelId: provider.modelId };
  return classifyFailure(limits.aborted ? limits.reason : error, context);
}

/** A provider that ignores its signal must not outlast it. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const stop = Promise.withResolvers<never>();
  const onAbort = (): void => stop.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([work, stop.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
    stop.promise.catch(() => {});
    work.catch(() => {});
  }
}
