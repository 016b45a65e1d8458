/** Retry bounds of steps, checked: with a bound that the SDK cannot encode, no attempt in which a step fails ever answers. */
import { durationMs } from "./duration.ts";
import type { StepOptions } from "./step-host.ts";

/** Attempts have 32 bits. */
const MAX_ATTEMPTS = 0xff_ff_ff_ff;
const MAX_MS: number = Number.MAX_SAFE_INTEGER;

const TIMES = ["initialRetryInterval", "maxRetryInterval", "maxRetryDuration"] as const;

/** What is wrong with bounds, to follow their name; undefined: nothing. */
export function retryBoundsProblem(options: StepOptions): string | undefined {
  const { maxRetryAttempts: attempts = 0 } = options;
  if (attempts !== Infinity && !(Number.isSafeInteger(attempts) && attempts >= 0)) {
    return `.maxRetryAttempts must be a whole number of at least 0, or Infinity: current value is ${attempts}`;
  }
  const wrong = TIMES.find((name) => !(durationMs(options[name] ?? 0) >= 0));
  return wrong === undefined
    ? undefined
    : `.${wrong} must be a time of at least 0: current value is ${JSON.stringify(options[wrong])}`;
}

/** The same bounds, with the largest numbers that there are instead of infinite ones. */
export function sdkRetryBounds(options: StepOptions): StepOptions {
  const { maxRetryAttempts } = options;
  const infinite = TIMES.filter((name) => durationMs(options[name] ?? 0) > MAX_MS);
  return {
    ...options,
    ...(maxRetryAttempts === undefined ? {} : { maxRetryAttempts: Math.min(maxRetryAttempts, MAX_ATTEMPTS) }),
    ...Object.fromEntries(infinite.map((name) => [name, MAX_MS])),
  };
}
