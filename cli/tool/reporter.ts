/** How the tool tells what it does. People read along; machines get one JSON document at the end. */
import { stripVTControlCharacters } from "node:util";
import type { Redactor } from "./redact.ts";

/** A step that is under way. */
export interface RunningStep {
  /** What it is doing, or waiting for, now. */
  update(text: string): void;
}

/** Where progress and results go. */
export interface Reporter {
  /**
   * Shows `title` while `work` runs, and then what came of it.
   *
   * @param summary One line about the result. Default: none.
   * @param isWell False for a result that is a failure. Default: every result is well.
   */
  step<T>(
    title: string,
    work: (step: RunningStep) => Promise<T>,
    summary?: (result: T) => string,
    isWell?: (result: T) => boolean,
  ): Promise<T>;
  info(text: string): void;
  /** Something to act on that stops nothing. */
  warn(text: string): void;
  /** Rows of a table; the first one is its head. */
  table(rows: readonly (readonly string[])[]): void;
}

/** What a reporter writes to. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
}

/** For people: one line a step, rewritten in place on a terminal. */
export class PeopleReporter implements Reporter {
  readonly #output: Output;
  readonly #redactor: Redactor;

  constructor(output: Output, redactor: Redactor) {
    this.#output = output;
    this.#redactor = redactor;
  }

  async step<T>(
    title: string,
    work: (step: RunningStep) => Promise<T>,
    summary?: (result: T) => string,
    isWell: (result: T) => boolean = () => true,
  ): Promise<T> {
    const startedAt = performance.now();
    let shown = "";
    const update = (text: string): void => {
      if (text === shown) return;
      shown = text;
      this.#progress(`◌ ${title}: ${text}`);
    };
    this.#progress(`◌ ${title} …`);
    try {
      const result = await work({ update });
      const told = summary?.(result) ?? "";
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      const mark = isWell(result) ? "✓" : "✗";
      this.#line(`${mark} ${title}${told === "" ? "" : `: ${told}`} (${seconds} s)`);
      return result;
    } catch (error) {
      this.#line(`✗ ${title}`);
      throw error;
    }
  }

  info(text: string): void {
    this.#line(text);
  }

  warn(text: string): void {
    this.#line(`! ${text}`);
  }

  table(rows: readonly (readonly string[])[]): void {
    const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
    for (const row of rows) {
      this.#line(
        row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join("  ")
          .trimEnd(),
      );
    }
  }

  /** A line that the next one replaces; without a terminal it stays out of the log. */
  #progress(text: string): void {
    if (this.#output.isTTY === true) this.#output.write(`\r\u001B[2K${this.#redactor.clean(firstLine(text))}`);
  }

  #line(text: string): void {
    const prefix = this.#output.isTTY === true ? "\r\u001B[2K" : "";
    this.#output.write(`${prefix}${this.#redactor.clean(text)}\n`);
  }
}

/** For machines: warnings are kept for the document, everything else is silent. */
export class JsonReporter implements Reporter {
  readonly warnings: string[] = [];

  async step<T>(_title: string, work: (step: RunningStep) => Promise<T>): Promise<T> {
    return work({ update: () => {} });
  }

  info(): void {}

  warn(text: string): void {
    this.warnings.push(text);
  }

  table(): void {}
}

function firstLine(text: string): string {
  return (stripVTControlCharacters(text).split("\n", 1)[0] ?? "").slice(0, 120);
}
