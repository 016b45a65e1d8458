/**
 * Tells those who watch a run from another invocation what it has said so far (stream-store.ts, L6).
 *
 * - E1 Inside steps alone, one telling at a time; what comes meanwhile is told next, as a whole.
 * - E2 It costs a step nothing while that works, and at its end at most `WAIT_MS`. Who cannot be reached is not asked again in
 *   the attempt; a failure is never the run's.
 */
import type { UIMessage } from "ai";
import { ownIngress } from "../http/own-ingress.ts";
import { nowMs, pause } from "../http/pause.ts";
import type { ReaderAddress } from "./reader-address.ts";
import { progressKey, type StreamReportInput } from "./stream-object.ts";

/** Longest wait at the end of a step, in milliseconds. */
const WAIT_MS = 1_000;
/** Longest time for one telling, in milliseconds. */
const TELL_MS = 5_000;
/** Failures in a row after which a reader is given up. */
const MAX_FAILURES = 2;

/** Brings a message to one reader. */
export type Bring = (reader: ReaderAddress, message: UIMessage, signal: AbortSignal) => Promise<void>;

/** See the head of this file. */
export class ProgressReporter {
  readonly #lines: readonly Line[];

  constructor(readers: readonly ReaderAddress[], bring: Bring = throughIngress) {
    this.#lines = readers.map((reader) => ({ reader, bring, failures: 0, next: undefined, running: undefined }));
  }

  /** False when nobody can be told any more. */
  get isHeard(): boolean {
    return this.#lines.some(isOpen);
  }

  /** Begins to tell. */
  tell(message: UIMessage): void {
    for (const line of this.#lines) {
      if (!isOpen(line)) continue;
      line.next = message;
      line.running ??= run(line);
    }
  }

  /** Waits until all is told, for a bounded time. What is not told then is not told any more. */
  async flush(): Promise<void> {
    const end = new AbortController();
    const told = Promise.all(this.#lines.flatMap(({ running = [] }) => running));
    await Promise.race([told, pause(WAIT_MS, end.signal)]);
    end.abort();
    this.cease();
  }

  /** Stops what is on its way. */
  cease(): void {
    for (const line of this.#lines) {
      line.next = undefined;
      line.end?.abort();
    }
  }
}

/** The way to one reader. */
interface Line {
  readonly reader: ReaderAddress;
  readonly bring: Bring;
  failures: number;
  next: UIMessage | undefined;
  running: Promise<void> | undefined;
  end?: AbortController;
}

function isOpen({ failures }: Line): boolean {
  return failures < MAX_FAILURES;
}

async function run(line: Line): Promise<void> {
  for (let message = line.next; message !== undefined; message = line.next) {
    line.next = undefined;
    const end = new AbortController();
    line.end = end;
    try {
      await line.bring(line.reader, message, end.signal);
      line.failures = 0;
    } catch {
      // Ceased by us it says nothing of the reader, unless that was slow.
      line.failures += 1;
    }
  }
  line.running = undefined;
}

async function throughIngress(reader: ReaderAddress, message: UIMessage, signal: AbortSignal): Promise<void> {
  const { service, stream, grant, path } = reader;
  const input: StreamReportInput = { grant, path, message, nowMs: nowMs() };
  const target = { service, key: progressKey(stream), handler: "report" };
  const request = { body: JSON.stringify(input), timeoutMs: TELL_MS, signal };
  const { kind } = await ownIngress("show an agent's progress to its caller").call(target, request);
  if (kind !== "success") throw new Error(`The stream object ${service} does not take it`);
}
