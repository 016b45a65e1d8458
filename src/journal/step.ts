/** One journaled step: declared at a place, run inside the journal, its result and its failure read back from it. */
import { classifyFailure } from "../errors/classify.ts";
import { restoreError } from "../errors/restore-error.ts";
import { UnserializableValueError } from "../errors/unserializable-value-error.ts";
import { RetryableError, type Serde, TerminalError } from "../restate.ts";
import { type Place, requirePlace, runAt } from "./ambient.ts";
import type { Awaitable } from "./awaitable.ts";
import { durationMs } from "./duration.ts";
import type { JournalSize } from "./journal-size.ts";
import { sdkRetryBounds } from "./retry-bounds.ts";
import { refusal, type Window } from "./run-ahead.ts";
import type { StepCodec, StepHost, StepOptions, StepScope } from "./step-host.ts";

/** Options of `runStep`. */
export interface StepTraits extends StepOptions {
  /** The step's result may be used before it is acknowledged, within these bounds; see run-ahead.ts. */
  readonly window?: Window | undefined;
  /** Clean-up must find room: it may go beyond the bound on the journal's size. */
  readonly isCleanUp?: boolean | undefined;
}

/**
 * Declares a step at `place`; see `StepHost.step`.
 *
 * @throws JournalTooLargeError when the journal has no room for another one.
 */
export function runStep<T>(
  place: Place,
  name: string,
  action: (scope: StepScope) => PromiseLike<T>,
  codec: StepCodec<T>,
  { window, isCleanUp = false, ...options }: StepTraits = {},
): Awaitable<T> {
  if (place.fiber.dead !== undefined) throw place.fiber.dead.reason;
  const { sdkContext, scheduler, size, front } = place.invocation;
  if (!isCleanUp) size.check(name);
  front.goOn();
  const scope: Scope = {
    interrupted: place.fiber.signal,
    attemptEnded: sdkContext.request().attemptCompletedSignal,
    size,
  };
  const closure = async (): Promise<Uint8Array> => {
    awaitable.executing = true;
    try {
      if (window !== undefined && scheduler.refuses(place.fiber)) throw refusal();
      throwIfInterrupted(scope.interrupted); // Awaited again by who wants to know how it ended: it must not begin now.
      return await runAt({ ...place, step: name }, () => insideStep(name, action, codec, scope));
    } catch (error) {
      scheduler.failed(awaitable);
      throw error;
    }
  };
  const serde: Serde<Uint8Array> = {
    contentType: codec.contentType ?? "application/json",
    serialize: (bytes) => {
      scheduler.proposed(awaitable, bytes, bytes.length);
      return bytes;
    },
    deserialize: (bytes) => bytes,
  };
  const entry = sdkContext.run<Uint8Array>(name, closure, { ...sdkRetryBounds(options), serde });
  const read = (stored: unknown): T | Promise<T> => {
    const bytes = stored as Uint8Array;
    size.add(bytes.length);
    return codec.decode(bytes);
  };
  const awaitable = scheduler.entry(entry, { fiber: place.fiber, window, read });
  return awaitable.map((value, failure) => {
    if (failure !== undefined) throw restoreError(failure);
    return value as T;
  });
}

interface Scope {
  readonly interrupted: AbortSignal;
  readonly attemptEnded: AbortSignal;
  readonly size: JournalSize;
}

/** Encodes inside the step: a result that cannot be stored must fail terminally, not after the effect, for ever. */
async function insideStep<T>(
  name: string,
  action: (scope: StepScope) => PromiseLike<T>,
  codec: StepCodec<T>,
  { interrupted, attemptEnded, size }: Scope,
): Promise<Uint8Array> {
  const signal = AbortSignal.any([interrupted, attemptEnded]);
  try {
    const bytes = await codec.encode(await action({ signal }));
    size.checkResult(name, bytes.length);
    return bytes;
  } catch (error) {
    const failure =
      error instanceof UnserializableValueError ? error.inStep(name) : classifyFailure(error, { what: name });
    const retry = failure instanceof RetryableError ? await awaitRetryAfter(failure, signal) : failure;
    // What an interrupted step throws is the echo of the interruption (S6): record that, not the echo.
    throwIfInterrupted(interrupted);
    throw retry;
  }
}

function throwIfInterrupted({ aborted, reason }: AbortSignal): void {
  if (aborted && reason instanceof TerminalError) throw reason;
}

/** Longest time that a step waits because a provider asked for it, in milliseconds. */
const MAX_RETRY_AFTER_MS = 5 * 60_000;

/**
 * Waits as long as the provider asked, here in the step, and then fails the attempt the ordinary way. Handing the
 * delay to Restate would bypass its retry policy: such retries are not counted, so they would never end.
 */
async function awaitRetryAfter(failure: RetryableError, signal: AbortSignal): Promise<Error> {
  const ms = Math.min(durationMs(failure.retryAfter ?? 0), MAX_RETRY_AFTER_MS);
  if (ms > 0 && !signal.aborted) {
    await new Promise<void>((resolve) => {
      // oxlint-disable-next-line no-restricted-globals -- inside a journaled step a timer is fine
      const timer = setTimeout(resolve, ms);
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
  return new Error(failure.message, { cause: failure });
}

/**
 * A host whose steps belong to `place`, from wherever they are called: a stream may be pulled by code that runs in
 * another fiber, or in none.
 */
export function stepHostAt(place: Place, window?: Window): StepHost {
  return {
    step: (name, action, codec, options) =>
      runStep(place, name, action, codec, { ...options, window }).waitIn(place.fiber),
  };
}

/** The host of the handler that is running. Throws as `restateContext()`. */
export function currentStepHost(what: string): StepHost {
  return stepHostAt(requirePlace(what));
}
