/** Results as Markdown tables, aligned so that they read well in a terminal, too. */
import type { SubjectResult, WorkloadResult } from "./result.ts";

/** The subjects that the others are compared with. */
export interface References {
  readonly plain: string;
  readonly official: string;
}

type Column = readonly [head: string, cell: (subject: SubjectResult) => string];

const NONE = "–";

const HEADS: Readonly<Record<WorkloadResult["kind"], string>> = {
  run: "ms a run",
  throughput: "runs a second",
  "first-part": "ms to the first part",
};

/** The table of a workload, under its title, with what was skipped below it. */
export function renderWorkload(result: WorkloadResult, references: References): string {
  const lines = [`### ${result.title}`, "", ...renderTable(columnsOf(result, references), result.subjects)];
  const reasons = Map.groupBy(result.skipped, ({ reason }) => reason);
  const skipped = [...reasons].map(
    ([reason, those]) => `- skipped: ${those.map(({ label }) => label).join("; ")}: ${firstLine(reason)}`,
  );
  return [...lines, ...(skipped.length === 0 ? [] : ["", ...skipped])].join("\n");
}

function columnsOf(result: WorkloadResult, references: References): Column[] {
  const { kind, subjects } = result;
  const ratioTo = (name: string, head: string): Column[] => {
    const reference = subjects.find((subject) => subject.name === name);
    if (reference === undefined) return [];
    return [[head, ({ figure }) => `${significant(figure.median / reference.figure.median)}×`]];
  };
  const columns: Column[] = [
    ["", ({ label }) => label],
    [`${HEADS[kind]}, median (min–max)`, ({ figure }) => spread(figure)],
    ...ratioTo(references.plain, "to plain"),
    ...ratioTo(references.official, "to official"),
    ["requests", ({ requests }) => significant(requests)],
    ["uploaded", ({ uploadedBytes }) => bytes(uploadedBytes)],
    ["stored", ({ storedBytes }) => (storedBytes === undefined ? NONE : bytes(storedBytes))],
    ["CPU ms", ({ cpuMs }) => (cpuMs === undefined ? NONE : significant(cpuMs))],
    ["peak memory", ({ peakMemoryBytes }) => (peakMemoryBytes === undefined ? NONE : bytes(peakMemoryBytes))],
  ];
  if (subjects.some(({ stepMs }) => stepMs !== undefined)) {
    columns.push(
      ["ms a step near 100", ({ stepMs }) => (stepMs === undefined ? NONE : significant(stepMs.early))],
      ["in the last 100", ({ stepMs }) => (stepMs === undefined ? NONE : significant(stepMs.late))],
    );
  }
  return columns;
}

function renderTable(columns: readonly Column[], subjects: readonly SubjectResult[]): string[] {
  const rows = [columns.map(([head]) => head), ...subjects.map((subject) => columns.map(([, cell]) => cell(subject)))];
  const widths = columns.map((_, column) => Math.max(3, ...rows.map((row) => (row[column] ?? "").length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => pad(cell, widths[column] ?? 0, column)).join(" | ")} |`;
  const rule = widths.map((width, column) => (column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  const [head = [], ...body] = rows;
  return [line(head), line(rule), ...body.map(line)];
}

function pad(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}

function spread({ median, min, max }: SubjectResult["figure"]): string {
  return `${significant(median)} (${significant(min)}–${significant(max)})`;
}

/** Three significant digits, and all digits of larger integers. */
export function significant(value: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  const text = value.toFixed(digits);
  const short = text.includes(".") ? text.replace(/\.?0+$/, "") : text;
  return short.replace(/\B(?=(\d{3})+(?!\d))/, short.length > 4 ? "," : "");
}

/** Bytes in decimal units. */
export function bytes(value: number): string {
  if (value < 1000) return `${Math.round(value)} B`;
  return value < 1_000_000 ? `${significant(value / 1000)} KB` : `${significant(value / 1_000_000)} MB`;
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}
