/** What may be given as options of the agents API. */
import { DefinitionError } from "../../src/errors/definition-error.ts";
import type { AgentsRouteOptions } from "../agents.ts";

/** Timers above 2^31-1 ms fire at once, so a day is the longest wait. */
const MAX_WAIT_MS = 24 * 60 * 60_000;

/** @throws DefinitionError for a number out of its bounds, and for `cors` without `origin`. */
export function checkAgentsOptions(options: Partial<AgentsRouteOptions>): void {
  const { waitMs, maxWaitMs, maxBodyBytes, cors } = options;
  checkNumber("waitMs", waitMs, MAX_WAIT_MS);
  checkNumber("maxWaitMs", maxWaitMs, MAX_WAIT_MS);
  checkNumber("maxBodyBytes", maxBodyBytes, Number.MAX_SAFE_INTEGER);
  // hono/cors would open the API to every page.
  if (cors !== undefined && (cors.origin ?? undefined) === undefined) {
    throw new DefinitionError(
      'Cannot serve the agents API: cors.origin must be given, such as "https://page.example.com"',
    );
  }
}

function checkNumber(name: string, value: number | undefined, max: number): void {
  if (value === undefined || (Number.isFinite(value) && value > 0 && value <= max)) return;
  throw new DefinitionError(
    `Cannot serve the agents API: ${name} must be a number above 0 and at most ${max}: current value is ${value}`,
  );
}
