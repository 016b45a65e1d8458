/** The steps of one deployment: told while they run, and kept for the report. */
import type { Reporter, RunningStep } from "../tool/reporter.ts";

/** A step that has ended. */
export interface StepRecord {
  /** Stable name, such as `upload`. */
  readonly step: string;
  readonly outcome: "done" | "failed" | "skipped";
  /** ISO 8601 */
  readonly startedAt: string;
  readonly durationMs: number;
  /** What came of it, or why it was skipped. */
  readonly detail?: string | undefined;
}

/** A step to run. */
export interface Step<T> {
  readonly step: string;
  /** For people. */
  readonly title: string;
  readonly work: (running: RunningStep) => Promise<T>;
  readonly summary?: (result: T) => string;
  /** False for a result that is a failure. Default: every result is well. */
  readonly isWell?: (result: T) => boolean;
}

export class StepLog {
  readonly records: StepRecord[] = [];
  /** Ids and URLs that are known so far: a failure tells them, too. */
  readonly facts: Record<string, unknown> = {};
  readonly #reporter: Reporter;
  readonly #signal: AbortSignal;

  constructor(reporter: Reporter, signal: AbortSignal) {
    this.#reporter = reporter;
    this.#signal = signal;
  }

  /** Runs a step, unless the user has interrupted. */
  async run<T>({ step, title, work, summary, isWell = () => true }: Step<T>): Promise<T> {
    this.#signal.throwIfAborted();
    const startedAt = new Date();
    const end = (outcome: StepRecord["outcome"], detail?: string): void => {
      const durationMs = Date.now() - startedAt.getTime();
      this.records.push({ step, outcome, startedAt: startedAt.toISOString(), durationMs, detail });
    };
    try {
      const result = await this.#reporter.step(title, work, summary, isWell);
      end(isWell(result) ? "done" : "failed", summary?.(result));
      return result;
    } catch (error) {
      end("failed", error instanceof Error ? error.message.split("\n", 1)[0] : String(error));
      throw error;
    }
  }

  /** A step that is not needed. */
  skip(step: string, title: string, detail: string): void {
    this.records.push({ step, outcome: "skipped", startedAt: new Date().toISOString(), durationMs: 0, detail });
    this.#reporter.info(`- ${title}: ${detail}`);
  }
}
