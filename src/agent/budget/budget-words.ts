/** What people and models are told of a budget. */
import type { Budget, BudgetExceeded, BudgetLimit } from "./budget.ts";

const WORDS: Readonly<Record<BudgetLimit, string>> = {
  steps: "model calls",
  inputTokens: "input tokens",
  outputTokens: "output tokens",
  totalTokens: "tokens",
  cost: "of money",
  durationMs: "milliseconds",
};

/** What has been used of what, such as `12 of 10 model calls`. */
export function amounts({ limit, allowed, spent }: BudgetExceeded): string {
  return `${spent[limit] ?? 0} of ${allowed} ${WORDS[limit]}`;
}

/** The last answer of a run that is stopped. */
export function noticeOf(what: string, { notice }: Budget, exceeded: BudgetExceeded): string {
  if (notice === undefined) return `Stopped: the budget of ${what} is used up, ${amounts(exceeded)}.`;
  return typeof notice === "string" ? notice : notice(exceeded);
}

/** What a person is asked. */
export function questionOf(what: string, exceeded: BudgetExceeded): string {
  return `The budget of ${what} is used up: ${amounts(exceeded)}. Approve to allow as much again, or give a number as the reason to allow so much more.`;
}

/** Units of time in which people answer, by how they begin, in milliseconds. */
const UNITS_MS: readonly (readonly [RegExp, number])[] = [
  [/^\s*(?:ms|milli)/i, 1],
  [/^\s*s/i, 1_000],
  [/^\s*m/i, 60_000],
  [/^\s*h/i, 3_600_000],
  [/^\s*d/i, 86_400_000],
];

/**
 * How much more a person allows, when the answer is a number; words may stand around it. Of time it may be "10 minutes"; without
 * a unit it is milliseconds.
 */
export function amountOf(limit: BudgetLimit, answer: string | undefined): number | undefined {
  const found = /^\D{0,20}?(?<amount>\d{1,15}(?:\.\d{1,9})?)(?<unit>\D{0,20})$/.exec(answer ?? "")?.groups;
  const amount = Number(found?.["amount"]);
  if (found === undefined || !(amount > 0)) return undefined;
  if (limit !== "durationMs") return amount;
  const [, ms = 1] = UNITS_MS.find(([unit]) => unit.test(found["unit"] ?? "")) ?? [];
  return amount * ms;
}
