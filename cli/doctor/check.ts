/** A check of `doctor`, and what it can say. */
import type { Facts } from "./facts/facts.ts";

/**
 * - `pass`: it is as it should be.
 * - `warn`: it works, and something is lost by it.
 * - `fail`: it does not work, or will not.
 * - `skipped`: it does not apply, or cannot be known; the detail says why.
 * - `broken`: the check itself failed. That says nothing about the project.
 */
export type Status = "pass" | "warn" | "fail" | "skipped" | "broken";

/** What a check found out. */
export interface Finding {
  readonly status: Status;
  /** One or two sentences. No secret in it. */
  readonly detail: string;
  /** How to mend it: lines to read, to run or to write, in this order. */
  readonly mend?: readonly string[];
}

/** Groups, in the order in which people read them. */
export const GROUPS = ["Project", "Restate", "App"] as const;

/** One check. */
export interface DoctorCheck {
  /** Stable: scripts look for it. */
  readonly id: string;
  readonly group: (typeof GROUPS)[number];
  /** What it makes sure of, in half a sentence. */
  readonly about: string;
  /** Longest run, in milliseconds. Default 20,000. */
  readonly timeoutMs?: number;
  /** What it needs and cannot know throws `NotKnown`, which skips it. */
  readonly run: (facts: Facts) => Finding | Promise<Finding>;
}

export const pass = (detail: string): Finding => ({ status: "pass", detail });
export const skip = (detail: string): Finding => ({ status: "skipped", detail });
export const warn = (detail: string, ...mend: readonly string[]): Finding => ({ status: "warn", detail, mend });
export const fail = (detail: string, ...mend: readonly string[]): Finding => ({ status: "fail", detail, mend });

/** A fact that cannot be known, or that does not exist here. Its message says why. */
export class NotKnown extends Error {
  override name = "NotKnown";
}
