/**
 * A service that shows whether a deployment works: Restate reaches the code, signatures are accepted, steps are
 * journaled and replayed, and, with `check`, what the app needs besides is there. `deploy` calls it on each new version
 * before that version gets the traffic.
 */
import { classifyFailure } from "../errors/classify.ts";
import { DefinitionError } from "../errors/definition-error.ts";
import { service } from "../journal/handlers.ts";
import type { Context, RetryPolicy, ServiceDefinition } from "../restate.ts";
import { SMOKE_KEY } from "./smoke-key.ts";

const HANDLER = "run";
const DEFAULT_TIMEOUT_MS = 10_000;
/** Attempts at `check`, and the pause before the second one in milliseconds; it grows twofold. */
const CHECK_RETRIES = { maxRetryAttempts: 3, initialRetryInterval: 500, retryIntervalFactor: 2 } as const;
/** Ended, not paused: a paused invocation would keep its deployment from ever being drained. */
const RETRY_POLICY: RetryPolicy = {
  initialInterval: 200,
  exponentiationFactor: 2,
  maxInterval: 5_000,
  maxAttempts: 6,
  onMaxAttempts: "kill",
};

/** What a smoke call looks at besides Restate. */
export interface SmokeOptions {
  /**
   * Looks at what the app needs: a secret, a provider, a database. It is one step of the smoke call, so it may use the
   * network, and no agents and nothing of Restate. What it throws is tried again twice, within seconds; then the smoke call
   * ends as a terminal failure with that message, instead of being retried for ever. A `TerminalError`, and what a provider
   * refuses for good (400, 401, 403, …), ends it at once. Default: nothing.
   */
  readonly check?: (signal: AbortSignal) => unknown;
  /** Longest time for one attempt at `check`, in milliseconds; then its signal is aborted and it has failed. Default 10,000. */
  readonly timeoutMs?: number;
}

/** What a smoke call answers. */
export interface SmokeResult {
  /** True when the journal gave back what was put into it. */
  readonly ok: boolean;
  /** Names of its steps. */
  readonly steps: readonly string[];
}

/** The handler of a smoke service. */
export interface SmokeHandlers {
  run: (context: Context) => Promise<SmokeResult>;
}

/**
 * A service whose handler `run` takes two journaled steps, and a third one with `check`.
 *
 * Restate knows services by name alone: where several apps share one Restate, each needs a name of its own. It refuses names
 * that begin with `restate`.
 *
 * @throws DefinitionError for a `timeoutMs` that is no positive integer.
 *
 * @example
 * ```ts
 * import { smokeService, TerminalError } from "restate-edge-agents";
 *
 * export const smoke = smokeService("smoke.travel", {
 *   check: async (signal) => {
 *     const headers = { authorization: `Bearer ${process.env["BOOKING_TOKEN"]}` };
 *     const { status } = await fetch("https://booking.example.com/me", { headers, signal });
 *     if (status === 401) throw new TerminalError("BOOKING_TOKEN is not valid");
 *     if (status !== 200) throw new Error(`The booking service answered ${status}`);
 *   },
 * });
 * ```
 */
export function smokeService<const NAME extends string>(
  name: NAME,
  { check, timeoutMs = DEFAULT_TIMEOUT_MS }: SmokeOptions = {},
): ServiceDefinition<NAME, SmokeHandlers> {
  if (!Number.isInteger(timeoutMs) || timeoutMs < 1) {
    throw new DefinitionError(
      `Cannot define the smoke service "${name}": timeoutMs must be a positive integer: current value is ${timeoutMs}`,
    );
  }
  const run = async (context: Context): Promise<SmokeResult> => {
    const steps = ["smoke write", "smoke read", ...(check === undefined ? [] : ["smoke check"])];
    // oxlint-disable-next-line no-restricted-properties -- inside a journaled step
    const written = await context.run("smoke write", () => crypto.randomUUID());
    const read = await context.run("smoke read", () => written);
    if (check !== undefined) await context.run("smoke check", () => attempt(check, timeoutMs), CHECK_RETRIES);
    return { ok: read === written, steps };
  };
  return service({
    name,
    description: "Shows whether a deployment works",
    handlers: { [HANDLER]: run },
    metadata: { [SMOKE_KEY]: HANDLER },
    options: { retryPolicy: RETRY_POLICY, abortTimeout: 60_000 },
  });
}

/** Inside a journaled step. A check that ignores its signal does not hold the step up. */
async function attempt(check: NonNullable<SmokeOptions["check"]>, timeoutMs: number): Promise<void> {
  const signal = AbortSignal.timeout(timeoutMs);
  const late = new Promise<never>((_, reject) => {
    const fail = (): void => reject(new Error(`The check did not end within ${timeoutMs} ms`));
    signal.addEventListener("abort", fail, { once: true });
  });
  try {
    await Promise.race([check(signal), late]);
  } catch (error) {
    throw classifyFailure(error, { what: "The smoke check" });
  }
}
