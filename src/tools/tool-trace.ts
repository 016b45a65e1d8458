/** The span of a tool call: of a step, or of a tool that drives Restate itself. */
import { contentText } from "../telemetry/gen-ai.ts";
import type { InvocationTrace } from "../telemetry/invocation-trace.ts";
import type { SpanAttributes } from "../telemetry/span.ts";
import { WorkTrace } from "../telemetry/work-trace.ts";

/** Where the span of a call belongs, and what it holds. */
export interface ToolTraceInit {
  readonly trace: InvocationTrace;
  /** The run's span. */
  readonly parentSpanId: string;
  /** What the span's id is made from; a step's is its name. */
  readonly key: string;
  readonly toolName: string;
  readonly toolCallId: string;
  readonly description: string | undefined;
  /** Who calls. */
  readonly attributes: SpanAttributes;
  /** When the model had asked for it, in milliseconds since 1970; undefined: it is not known. */
  readonly askedMs: number | undefined;
  readonly recordInputs: boolean;
  readonly recordOutputs: boolean;
}

/** The span of one call. */
export class ToolTrace {
  readonly #init: ToolTraceInit;

  constructor(init: ToolTraceInit) {
    this.#init = init;
  }

  /** The span of a tool that is no step: what happens in it hangs from it. */
  get spanId(): string {
    return this.#init.trace.spanId(this.#init.key);
  }

  /** Runs the tool inside the step `step`. */
  inStep(step: string, input: unknown, work: () => Promise<unknown>): Promise<unknown> {
    return this.#span(input).inStep(step, work, this.#ofOutput);
  }

  /** Runs a tool that is no step: its span begins when the model has asked for it. */
  inHandler(input: unknown, work: () => Promise<unknown>): Promise<unknown> {
    return this.#span(input).inHandler(work, this.#ofOutput);
  }

  readonly #ofOutput = (output: unknown): SpanAttributes =>
    this.#init.recordOutputs ? { "gen_ai.tool.call.result": contentText(output) } : {};

  #span(input: unknown): WorkTrace {
    const { trace, key, parentSpanId, askedMs, toolName, toolCallId, description } = this.#init;
    return new WorkTrace({
      trace,
      key,
      parentSpanId,
      askedMs,
      name: `execute_tool ${toolName}`,
      attributes: () => ({
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": toolName,
        "gen_ai.tool.call.id": toolCallId,
        "gen_ai.tool.type": "function",
        "gen_ai.tool.description": description,
        ...this.#init.attributes,
        ...(this.#init.recordInputs ? { "gen_ai.tool.call.arguments": contentText(input) } : {}),
      }),
      // What a tool's failure says is what the model is told: content.
      recordMessages: this.#init.recordOutputs,
    });
  }
}
