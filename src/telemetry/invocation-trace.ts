/**
 * The spans of one attempt of an invocation.
 *
 * - I1 A step's span is made by the attempt that executes it, inside the step; a replay makes none.
 * - I2 What is no step (a run, a tool that drives Restate) ends between steps, and again in every replay. Its span is
 *   made when the journal goes on (journal-front.ts). An attempt that dies before that leaves it to the next one, which
 *   makes it under the same id.
 * - I3 Ids follow from names (span-id.ts), so a parent's id is known before the parent has ended.
 * - I4 Nothing here decides anything about the run: clocks are read for spans alone, and no failure gets out.
 */
import type { Span, SpanAttributes, SpanError } from "./span.ts";
import { currentSpanExporter } from "./exporter-scope.ts";
import { RequestSpans } from "./request-spans.ts";
import { spanIdOf } from "./span-id.ts";
import { type AttemptRequest, type TraceContext, traceContextOf } from "./trace-context.ts";
import { waitUntilOf } from "./wait-until.ts";

/** A span of an invocation, before it has its place in the trace. */
export interface SpanDraft extends Pick<Span, "name" | "kind" | "startMs" | "endMs"> {
  /** What its id is made from; unique in the invocation. */
  readonly key: string;
  readonly parentSpanId: string | undefined;
  readonly attributes: SpanAttributes;
  readonly error?: SpanError | undefined;
}

/** Knows what is new: a `JournalFront`. */
interface Front {
  whenItGoesOn(tell: () => void): void;
}

/** One attempt's view of its trace. */
export class InvocationTrace {
  readonly #request: AttemptRequest;
  readonly #context: TraceContext;
  readonly #spans: RequestSpans;
  readonly #front: Front;

  private constructor(request: AttemptRequest, context: TraceContext, spans: RequestSpans, front: Front) {
    this.#request = request;
    this.#context = context;
    this.#spans = spans;
    this.#front = front;
  }

  /**
   * The trace of the attempt that `request` stands for; undefined when spans go nowhere or the trace is not recorded.
   */
  static of(request: AttemptRequest, front: Front): InvocationTrace | undefined {
    const exporter = currentSpanExporter();
    if (exporter === undefined) return undefined;
    const context = traceContextOf(request);
    if (context === undefined) return undefined;
    const waitUntil = waitUntilOf(request.extraArgs);
    const spans = new RequestSpans({ exporter, ended: request.attemptCompletedSignal, waitUntil });
    return new InvocationTrace(request, context, spans, front);
  }

  /** Restate's span of this attempt, if Restate traces. */
  get attemptSpanId(): string | undefined {
    return this.#context.attemptSpanId;
  }

  /** The span of whoever invoked the handler, if it is known. */
  get callerSpanId(): string | undefined {
    return this.#context.callerSpanId;
  }

  /** The span that what this attempt does hangs from, unless something of ours is in between. */
  get outerSpanId(): string | undefined {
    return this.#context.attemptSpanId ?? this.#context.callerSpanId;
  }

  /** The real time, in milliseconds since 1970. */
  now(): number {
    return Date.now();
  }

  spanId(key: string): string {
    return spanIdOf(this.#request.id, key);
  }

  /** A step was executed (I1). `make` reads what providers and tools returned: should that throw, there is no span. */
  add(make: () => SpanDraft): void {
    try {
      this.#add(make());
    } catch {
      // A span must not cost a step.
    }
  }

  #add({ key, attributes, ...span }: SpanDraft): void {
    const { id, target } = this.#request;
    const { traceId, traceState, attemptSpanId } = this.#context;
    this.#spans.add({
      ...span,
      traceId,
      traceState,
      spanId: this.spanId(key),
      attributes: {
        ...attributes,
        "restate.invocation.id": id,
        "restate.service": target.service,
        "restate.handler": target.handler,
      },
      linkedSpanIds: attemptSpanId === undefined || attemptSpanId === span.parentSpanId ? [] : [attemptSpanId],
    });
  }

  /** Something between steps has ended (I2). */
  defer(make: () => SpanDraft): void {
    this.#front.whenItGoesOn(() => this.add(make));
  }
}
