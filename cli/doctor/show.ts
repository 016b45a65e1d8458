import type { Reporter } from "../tool/reporter.ts";
import { GROUPS, type Status } from "./check.ts";
import { countsOf, type Diagnosis } from "./run-checks.ts";

const MARKS: Readonly<Record<Status, string>> = { pass: "✓", warn: "!", fail: "✗", skipped: "-", broken: "?" };
const WIDTH = 100;

/** Tells people what was found: what is well in a line each, what is not with how to mend it. */
export function showDiagnoses(diagnoses: readonly Diagnosis[], reporter: Reporter): void {
  const column = Math.max(...diagnoses.map(({ id }) => id.length)) + 4;
  for (const group of GROUPS) {
    reporter.info(`\n${group}`);
    for (const diagnosis of diagnoses.filter((one) => one.group === group)) showOne(diagnosis, column, reporter);
  }
  const counts = countsOf(diagnoses);
  const parts = [
    `${counts.pass} passed`,
    `${counts.fail} failed`,
    ...(counts.warn === 0 ? [] : [counts.warn === 1 ? "1 warning" : `${counts.warn} warnings`]),
    ...(counts.skipped === 0 ? [] : [`${counts.skipped} skipped`]),
    ...(counts.broken === 0 ? [] : [`${counts.broken} could not be done`]),
  ];
  reporter.info(`\n${parts.join(", ")}`);
}

function showOne({ id, status, detail, mend = [] }: Diagnosis, column: number, reporter: Reporter): void {
  const indent = " ".repeat(column);
  const [first = "", ...rest] = wrap(detail, WIDTH - column);
  reporter.info(`${MARKS[status]} ${id.padEnd(column - 2)}${first}`);
  for (const line of rest) reporter.info(indent + line);
  for (const line of mend) reporter.info(`${indent}→ ${line}`);
}

/** Lines of at most `width` characters, broken between words. Words that are longer stay whole: they are to be copied. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
