/** The span of a piece of work: of a step, or of what drives Restate itself. */
import { readString } from "../errors/read-error.ts";
import { TerminalError } from "../restate.ts";
import type { InvocationTrace, SpanDraft } from "./invocation-trace.ts";
import type { SpanAttributes, SpanError } from "./span.ts";

/** Where the span belongs, and what it holds. */
export interface WorkTraceInit extends Pick<SpanDraft, "key" | "name" | "parentSpanId"> {
  readonly trace: InvocationTrace;
  /** Asked for where the span is made. */
  readonly attributes: () => SpanAttributes;
  /** When it was asked for, in milliseconds since 1970; undefined: it is not known. */
  readonly askedMs?: number | undefined;
  /** What a failure says is content. */
  readonly recordMessages: boolean;
}

/** What a span has of the result. */
type OfOutput = (output: unknown) => SpanAttributes;

const NOTHING: OfOutput = () => ({});

/** See the head of this file. */
export class WorkTrace {
  readonly #init: WorkTraceInit;

  constructor(init: WorkTraceInit) {
    this.#init = init;
  }

  /** What happens in it hangs from it. */
  get spanId(): string {
    return this.#init.trace.spanId(this.#init.key);
  }

  /** Does it inside the step `step`. Each real attempt is a span; its result is the step's (see model-trace.ts). */
  async inStep<T>(step: string, work: () => PromiseLike<T>, ofOutput: OfOutput = NOTHING): Promise<T> {
    const { trace } = this.#init;
    const startMs = trace.now();
    const draft = (failure: { readonly error: unknown } | undefined, output?: T): void => {
      const endMs = trace.now();
      const isResult = failure === undefined || failure.error instanceof TerminalError;
      trace.add(() => {
        const key = isResult ? step : `${step} ${startMs}`;
        const span = this.#draft({ startMs, endMs }, failure, output, ofOutput);
        return { ...span, key, attributes: { ...span.attributes, "restate.step.name": step } };
      });
    };
    try {
      const output = await work();
      draft(undefined, output);
      return output;
    } catch (error) {
      draft({ error });
      throw error;
    }
  }

  /**
   * Does what is no step: its code runs again in each replay, and its span is made when the journal goes on. It begins when
   * it was asked for: when its own code began is in no journal.
   */
  async inHandler<T>(work: () => PromiseLike<T>, ofOutput: OfOutput = NOTHING): Promise<T> {
    const { trace, askedMs } = this.#init;
    const startMs = askedMs ?? trace.now();
    try {
      const output = await work();
      const endMs = trace.now();
      trace.defer(() => this.#draft({ startMs, endMs }, undefined, output, ofOutput));
      return output;
    } catch (error) {
      const endMs = trace.now();
      trace.defer(() => this.#draft({ startMs, endMs }, { error }, undefined, ofOutput));
      throw error;
    }
  }

  #draft(
    times: Pick<SpanDraft, "startMs" | "endMs">,
    failure: { readonly error: unknown } | undefined,
    output: unknown,
    ofOutput: OfOutput,
  ): SpanDraft {
    const { key, name, parentSpanId, attributes, recordMessages } = this.#init;
    return {
      ...times,
      key,
      name,
      parentSpanId,
      kind: "internal",
      attributes: { ...attributes(), ...(failure === undefined ? ofOutput(output) : {}) },
      error: failure === undefined ? undefined : errorOf(failure.error, recordMessages),
    };
  }
}

function errorOf(error: unknown, recordMessages: boolean): SpanError {
  const type = readString(error, "errorCode") ?? readString(error, "name") ?? "_OTHER";
  return { type, message: recordMessages ? readString(error, "message") : undefined };
}
