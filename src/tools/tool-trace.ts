/** The span of a tool call: of a step, or of a tool that drives Restate itself. */
import { readString } from "../errors/read-error.ts";
import { TerminalError } from "../restate.ts";
import { contentText } from "../telemetry/gen-ai.ts";
import type { InvocationTrace, SpanDraft } from "../telemetry/invocation-trace.ts";
import type { SpanAttributes, SpanError } from "../telemetry/span.ts";

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

  /** Runs the tool inside the step `step`. Each real attempt is a span; its result is the step's (see model-trace.ts). */
  async inStep(step: string, input: unknown, work: () => Promise<unknown>): Promise<unknown> {
    const { trace } = this.#init;
    const startMs = trace.now();
    const draft = (failure: { readonly error: unknown } | undefined, output?: unknown): void => {
      const endMs = trace.now();
      const isResult = failure === undefined || failure.error instanceof TerminalError;
      trace.add(() => {
        const key = isResult ? step : `${step} ${startMs}`;
        const span = this.#draft({ startMs, endMs }, input, output, failure);
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
   * Runs a tool that is no step: its code runs again in each replay, and its span is made when the journal goes on. It
   * begins when the model has asked for it: when its own code began is in no journal.
   */
  async inHandler(input: unknown, work: () => Promise<unknown>): Promise<unknown> {
    const { trace, askedMs } = this.#init;
    const startMs = askedMs ?? trace.now();
    try {
      const output = await work();
      const endMs = trace.now();
      trace.defer(() => this.#draft({ startMs, endMs }, input, output, undefined));
      return output;
    } catch (error) {
      const endMs = trace.now();
      trace.defer(() => this.#draft({ startMs, endMs }, input, undefined, { error }));
      throw error;
    }
  }

  #draft(
    times: Pick<SpanDraft, "startMs" | "endMs">,
    input: unknown,
    output: unknown,
    failure: { readonly error: unknown } | undefined,
  ): SpanDraft {
    const { key, toolName, toolCallId, description, parentSpanId, attributes, recordInputs, recordOutputs } =
      this.#init;
    return {
      ...times,
      key,
      parentSpanId,
      name: `execute_tool ${toolName}`,
      kind: "internal",
      attributes: {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": toolName,
        "gen_ai.tool.call.id": toolCallId,
        "gen_ai.tool.type": "function",
        "gen_ai.tool.description": description,
        ...attributes,
        ...(recordInputs ? { "gen_ai.tool.call.arguments": contentText(input) } : {}),
        ...(recordOutputs && failure === undefined ? { "gen_ai.tool.call.result": contentText(output) } : {}),
      },
      error: failure === undefined ? undefined : errorOf(failure.error, recordOutputs),
    };
  }
}

/** What a tool's failure says is what the model is told: content. */
function errorOf(error: unknown, recordOutputs: boolean): SpanError {
  const type = readString(error, "errorCode") ?? readString(error, "name") ?? "_OTHER";
  return { type, message: recordOutputs ? readString(error, "message") : undefined };
}
