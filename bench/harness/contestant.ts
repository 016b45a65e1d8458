/** One subject in one workload: it has started, or says why not; it collects samples until it fails. */
import { setTimeout as delay } from "node:timers/promises";
import type { BenchModel } from "../model-server.ts";
import { inBench } from "../paths.ts";
import type { BenchEnvironment, RunningSubject, Subject, Usage } from "../subject.ts";
import type { Workload } from "../workloads.ts";
import type { Skipped, SubjectResult } from "./result.ts";
import { spreadOf } from "./statistics.ts";

const ROOT = inBench("..");

/** What follows a run, such as acknowledgements, still belongs to it and not to the next subject. */
const SETTLE_MS = 100;

export class Contestant {
  readonly subject: Subject;
  readonly #workload: Workload;
  readonly #model: BenchModel;
  readonly #samples: number[] = [];
  readonly #usage = { requests: 0, uploadedBytes: 0, cpuMs: 0 };
  readonly #steps: { readonly early: number; readonly late: number }[] = [];
  #running: RunningSubject | undefined;
  #last: Usage | undefined;
  #storedBytes: number | undefined;
  #reason: string | undefined;
  #count = 0;

  constructor(subject: Subject, workload: Workload, model: BenchModel) {
    this.subject = subject;
    this.#workload = workload;
    this.#model = model;
    this.#reason = reasonNotToRun(subject, workload);
  }

  /** False when it does not take part, or no longer. */
  get takesPart(): boolean {
    return this.#reason === undefined;
  }

  /** Starts and warms the subject. A subject that cannot is skipped. */
  async start(environment: BenchEnvironment): Promise<void> {
    if (!this.takesPart) return;
    await this.#try("cannot start", async () => {
      const running = await this.subject.start(environment);
      this.#running = running;
      if (this.#workload.figure === "first-part" && running.firstPartMs === undefined) throw new CannotStream();
      for (let n = 0; n < this.#workload.warmups; n++) await this.#sample(running);
    });
  }

  /** One sample. A subject that fails is skipped from then on. */
  async round(): Promise<void> {
    const running = this.#running;
    if (!this.takesPart || running === undefined) return;
    await this.#try("failed", async () => {
      const before = await running.usage();
      this.#model.reset();
      const sample = await this.#sample(running);
      this.#noteSteps();
      await delay(SETTLE_MS);
      const after = await running.usage();
      this.#samples.push(sample);
      this.#usage.requests += after.requests - before.requests;
      this.#usage.uploadedBytes += after.uploadedBytes - before.uploadedBytes;
      this.#usage.cpuMs += (after.cpuMs ?? 0) - (before.cpuMs ?? 0);
      this.#last = after;
    });
  }

  /** Asks for what the store keeps of the last run. Not between rounds, where the question would cost others time. */
  async finish(): Promise<void> {
    const running = this.#running;
    if (!this.takesPart || running === undefined) return;
    await this.#try("cannot tell its stored bytes", async () => {
      this.#storedBytes = await running.storedBytes?.(this.#id(this.#count - 1));
    });
  }

  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.stop().catch((error: unknown) => {
      console.error(`${this.subject.name} did not stop: ${String(error)}`);
    });
  }

  /** Its figures; undefined when it was skipped. */
  get result(): SubjectResult | undefined {
    if (!this.takesPart || this.#samples.length === 0) return undefined;
    const runs = this.#samples.length * this.#workload.runs;
    const { name, label } = this.subject;
    return {
      name,
      label,
      figure: spreadOf(this.#samples),
      samples: this.#samples.map((sample) => round(sample, 2)),
      requests: round(this.#usage.requests / runs, 2),
      uploadedBytes: Math.round(this.#usage.uploadedBytes / runs),
      ...(this.#storedBytes === undefined ? {} : { storedBytes: this.#storedBytes }),
      ...(this.#last?.cpuMs === undefined ? {} : { cpuMs: round(this.#usage.cpuMs / runs, 1) }),
      ...(this.#last?.peakMemoryBytes === undefined ? {} : { peakMemoryBytes: this.#last.peakMemoryBytes }),
      ...(this.#steps.length === 0 ? {} : { stepMs: this.#medianSteps() }),
    };
  }

  /** Why there are no figures; undefined when there are. */
  get skipped(): Skipped | undefined {
    const { name, label } = this.subject;
    return this.#reason === undefined ? undefined : { name, label, reason: this.#reason };
  }

  async #try(what: string, action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      await this.stop();
      if (error instanceof CannotStream) {
        this.#reason = error.message;
        return;
      }
      const message = error instanceof Error ? error.message : String(error);
      console.error(`${this.subject.name} ${what}: ${message}`);
      this.#reason = `${what}: ${reasonOf(message)}`;
    }
  }

  /** Milliseconds of the run, or of the first part; or runs per second. */
  async #sample(running: RunningSubject): Promise<number> {
    const { figure, runs, concurrency } = this.#workload;
    if (figure === "first-part") return this.#firstPart(running);
    const begin = performance.now();
    let left = runs;
    const worker = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        await this.#run(running);
      }
    };
    await Promise.all(Array.from({ length: concurrency }, worker));
    const ms = performance.now() - begin;
    return figure === "throughput" ? (runs * 1000) / ms : ms / runs;
  }

  async #run(running: RunningSubject): Promise<void> {
    const { shape, timeoutMs } = this.#workload;
    const text = await within(timeoutMs, running.run(this.#id(this.#count++), shape));
    if (text !== "done") throw new Error(`The run ended with ${JSON.stringify(text.slice(0, 200))} instead of "done"`);
  }

  async #firstPart(running: RunningSubject): Promise<number> {
    const { shape, timeoutMs } = this.#workload;
    const firstPart = running.firstPartMs?.(this.#id(this.#count++), shape) ?? Promise.reject(new CannotStream());
    return within(timeoutMs, firstPart);
  }

  #id(n: number): string {
    return `${this.#workload.shape.name}-${this.subject.name}-${n}`;
  }

  #noteSteps(): void {
    const { arrivals } = this.#model;
    const { shape, concurrency } = this.#workload;
    if (concurrency > 1 || shape.steps < 1000) return;
    const cost = (from: number, to: number): number => ((arrivals[to] ?? NaN) - (arrivals[from] ?? NaN)) / (to - from);
    this.#steps.push({ early: cost(50, 150), late: cost(shape.steps - 100, shape.steps) });
  }

  #medianSteps(): { readonly early: number; readonly late: number } {
    return {
      early: round(spreadOf(this.#steps.map(({ early }) => early)).median, 2),
      late: round(spreadOf(this.#steps.map(({ late }) => late)).median, 2),
    };
  }
}

class CannotStream extends Error {
  constructor() {
    super("has no durable stream, or none was built here");
  }
}

function reasonNotToRun(subject: Subject, { shape, only }: Workload): string | undefined {
  if (only?.includes(subject.name) === false) return "not part of this workload";
  if (subject.supports?.(shape) === false) return subject.limits ?? "cannot run this shape";
  return undefined;
}

/** The first line, without this machine's paths. */
function reasonOf(message: string): string {
  const [line = ""] = message.split("\n", 1);
  return line.replaceAll(ROOT, "").slice(0, 300);
}

async function within<T>(timeoutMs: number, promise: Promise<T>): Promise<T> {
  const controller = new AbortController();
  const timeout = delay(timeoutMs, undefined, { signal: controller.signal }).then(() => {
    throw new Error(`a run took longer than ${timeoutMs / 1000} s`);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    controller.abort();
    timeout.catch(() => {});
  }
}

function round(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
