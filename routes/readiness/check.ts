/** A named check of `GET /ready`. What it tells is for strangers: no address, token, key or name of a service in it. */

import { isInvalidSetting } from "../settings.ts";

/** What a check found out. */
export interface Finding {
  readonly status: CheckStatus;
  readonly detail: string;
}

/** `skip`: there is nothing to check, or it cannot be known. */
export type CheckStatus = "pass" | "fail" | "skip";

/** A finding, named and timed. */
export interface CheckResult extends Finding {
  readonly name: string;
  readonly durationMs: number;
}

/** A check. */
export interface Check {
  readonly name: string;
  readonly run: () => Finding | Promise<Finding>;
}

/** Longest time for a request of a check, in milliseconds. */
export const CHECK_TIMEOUT_MS = 2_000;

export const pass = (detail: string): Finding => ({ status: "pass", detail });
export const fail = (detail: string): Finding => ({ status: "fail", detail });
export const skip = (detail: string): Finding => ({ status: "skip", detail });

/** Runs checks at the same time. One that throws has failed. */
export function runChecks(checks: readonly Check[]): Promise<CheckResult[]> {
  return Promise.all(
    checks.map(async ({ name, run }) => {
      const start = performance.now();
      const { status, detail } = await finding(run);
      return { name, status, detail, durationMs: Math.round(performance.now() - start) };
    }),
  );
}

async function finding(run: Check["run"]): Promise<Finding> {
  try {
    return await run();
  } catch (error) {
    return fail(isInvalidSetting(error) ? error.message : "The check could not be done");
  }
}
