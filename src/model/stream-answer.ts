/**
 * One streamed call of a provider, read to its end inside a journaled step, with its parts told to those who watch.
 *
 * - A1 A call that was ended by its signal tells nothing more: its parts must not mix with those of the next attempt.
 * - A2 A call that somebody asks to stop ends where it is, also while the provider is silent, and gives what it has
 *   (collect-stream.ts). One that asks for tools is cut even when it is complete: they must not begin.
 * - A3 Who watches never costs a call: what a reader throws is warned about once. The warning names the error only,
 *   because its message may quote the model.
 */
import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { readString } from "../errors/read-error.ts";
import type { Redact } from "../encryption/redact.ts";
import type { LiveEvent, RunSink } from "../stream/run-sink.ts";
import type { CallLimits } from "./call-limits.ts";
import { asksForTools, type Collected, StreamCollector } from "./collect-stream.ts";
import { RedactedParts } from "./redact-answer.ts";
import type { StreamEvent } from "./stream-event.ts";

/** Who watches a call. */
export interface StreamWatchers {
  readonly onStreamEvent?: (event: StreamEvent) => void | PromiseLike<void>;
  readonly sink?: RunSink;
  /** Says what is kept of a text. */
  readonly redact?: Redact | undefined;
}

/** One call that is streamed. */
export interface StreamedCall {
  /** Name of the step. */
  readonly name: string;
  readonly provider: LanguageModelV4;
  readonly host: StreamWatchers;
  readonly limits: CallLimits;
}

type Parameters = LanguageModelV4CallOptions & { readonly abortSignal: AbortSignal };

/** The provider's answer, as `doGenerate` would have given it. */
export async function streamAnswer(call: StreamedCall, parameters: Parameters): Promise<Collected> {
  const watch = new Watch(call, parameters.abortSignal);
  try {
    return await watchedAnswer(call, parameters, watch);
  } finally {
    watch.over();
  }
}

async function watchedAnswer(call: StreamedCall, parameters: Parameters, watch: Watch): Promise<Collected> {
  const collector = new StreamCollector();
  const { redact } = call.host;
  const parts = redact === undefined ? undefined : new RedactedParts(redact);
  const ended = new AbortController();
  const abortSignal = AbortSignal.any([parameters.abortSignal, ended.signal]);
  try {
    await watch.begin();
    if (!watch.isStopped) {
      const reading = readParts(
        call,
        { ...parameters, abortSignal },
        watch,
        (part) => parts?.see(part) ?? [part],
        collector,
      );
      await Promise.race([reading, watch.stopped]);
      reading.catch(() => {}); // The echo of the end of a stopped call.
    }
  } finally {
    watch.close();
    ended.abort();
  }
  parameters.abortSignal.throwIfAborted();
  if (watch.isStopped) for (const part of parts?.rest() ?? []) collector.add(part);
  const whole = watch.isStopped ? collector.interrupted() : collector.result();
  await watch.end(whole.content);
  if (!watch.isStopped || !asksForTools(whole.content)) return whole;
  const cut = collector.interrupted();
  await watch.end(cut.content);
  return cut;
}

async function readParts(
  { provider, limits }: StreamedCall,
  parameters: Parameters,
  watch: Watch,
  shown: (part: LanguageModelV4StreamPart) => readonly LanguageModelV4StreamPart[],
  collector: StreamCollector,
): Promise<void> {
  const { abortSignal } = parameters;
  limits.waiting();
  const { stream } = await provider.doStream(parameters);
  limits.received();
  const reader = stream.getReader();
  const cancel = (): void => void reader.cancel().catch(() => {});
  abortSignal.addEventListener("abort", cancel, { once: true });
  try {
    for (;;) {
      abortSignal.throwIfAborted();
      limits.waiting();
      const { done, value: part } = await reader.read();
      limits.received(part);
      if (done || watch.isStopped) return;
      if (part.type === "error") await watch.part(part);
      for (const own of shown(part)) {
        collector.add(own);
        await watch.part(own);
      }
    }
  } finally {
    abortSignal.removeEventListener("abort", cancel);
    cancel();
  }
}

/** Those who watch one call. */
class Watch {
  readonly #call: StreamedCall;
  readonly #signal: AbortSignal;
  readonly #over = new AbortController();
  readonly #stop = Promise.withResolvers<void>();
  readonly #onStop = (): void => this.#stopNow();
  #isStopped = false;
  #hasWarned = false;

  constructor(call: StreamedCall, signal: AbortSignal) {
    this.#call = call;
    this.#signal = signal;
    const stopped = call.host.sink?.stopped;
    if (stopped?.aborted === true) this.#isStopped = true;
    else stopped?.addEventListener("abort", this.#onStop, { once: true });
  }

  /** Somebody has asked for the answer to end where it is. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  get stopped(): Promise<void> {
    return this.#stop.promise;
  }

  begin(): Promise<void> {
    const { name: step } = this.#call;
    return this.#tell({ type: "reset", step }, { type: "reset", step, over: this.#over.signal });
  }

  part(part: Extract<StreamEvent, { type: "part" }>["part"]): Promise<void> {
    const { name: step } = this.#call;
    return this.#tell({ type: "part", step, part }, { type: "part", step, part });
  }

  end(content: Collected["content"]): Promise<void> {
    const { name: step } = this.#call;
    return this.#tell({ type: "end", step }, { type: "end", step, content });
  }

  /** The call is over. */
  over(): void {
    this.#over.abort();
  }

  /** Lets go of the signal. */
  close(): void {
    this.#call.host.sink?.stopped?.removeEventListener("abort", this.#onStop);
  }

  async #tell(event: StreamEvent, live: LiveEvent): Promise<void> {
    const { onStreamEvent, sink } = this.#call.host;
    if (this.#signal.aborted) return; // A1
    try {
      await onStreamEvent?.(event);
    } catch (error) {
      this.#warn(event.step, error);
    }
    if (sink !== undefined && !this.#signal.aborted && (await sink.live(live)).stop) this.#stopNow();
  }

  #stopNow(): void {
    this.#isStopped = true;
    this.#stop.resolve();
  }

  #warn(step: string, error: unknown): void {
    if (!this.#hasWarned) {
      const name = readString(error, "name") ?? "no error";
      console.warn(`onStreamEvent failed in step "${step}" with ${name}; the step goes on`);
    }
    this.#hasWarned = true;
  }
}
