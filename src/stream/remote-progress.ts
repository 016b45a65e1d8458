/** Shows those who watch the caller of a run what the run does: it was called over Restate, by a run that is watched. */
import type { ToolSet } from "ai";
import { nowMs } from "../http/pause.ts";
import { pauseAfter, ProgressMessage } from "./progress-message.ts";
import { type Bring, ProgressReporter } from "./progress-reporter.ts";
import type { ReaderAddress } from "./reader-address.ts";
import type { LiveEvent, RunSink, SettledEvent } from "./run-sink.ts";

/** Tells as often as an agent in the caller's own journal does, and at the end of each step. */
export class RemoteProgress implements RunSink {
  readonly readers: readonly ReaderAddress[];
  /** Each telling is of all. */
  readonly isForgetful = true;
  readonly #message: ProgressMessage;
  readonly #reporter: ProgressReporter;
  #nextMs = 0;

  constructor(readers: readonly ReaderAddress[], bring?: Bring) {
    this.readers = readers;
    const [reader] = readers;
    this.#message = new ProgressMessage(`${reader?.path.at(-1)?.call ?? "call"}-agent`);
    this.#reporter = new ProgressReporter(readers, bring);
  }

  tools(tools: ToolSet): void {
    this.#message.tools = tools;
  }

  settled(event: SettledEvent): void {
    this.#message.settled(event);
  }

  async live(event: LiveEvent): Promise<{ readonly stop: boolean }> {
    try {
      await this.#tell(event);
    } catch {
      // Who watches must not cost a step.
    }
    return { stop: false };
  }

  async #tell(event: LiveEvent): Promise<void> {
    await this.#message.live(event);
    if (event.type === "reset") {
      event.over?.addEventListener("abort", () => this.#reporter.cease(), { once: true });
      return;
    }
    const isDue = event.type !== "part" && event.type !== "tool-output";
    if (!this.#reporter.isHeard || (!isDue && nowMs() < this.#nextMs)) return;
    const message = await this.#message.whole();
    if (message === undefined) return;
    this.#nextMs = nowMs() + pauseAfter(message);
    this.#reporter.tell(message);
    if (isDue) await this.#reporter.flush();
  }
}

/** A sink that tells `other`, too: `first` decides, and says what is stopped. */
export function alsoTo(first: RunSink, other: RunSink | undefined): RunSink {
  if (other === undefined) return first;
  return {
    tools: (tools) => {
      first.tools?.(tools);
      other.tools?.(tools);
    },
    settled: (event) => {
      first.settled(event);
      other.settled(event);
    },
    live: async (event) => (await Promise.all([first.live(event), other.live(event)]))[0],
    get stopped() {
      return first.stopped;
    },
    readers: [...(first.readers ?? []), ...(other.readers ?? [])],
  };
}
