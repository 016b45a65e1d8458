/** The span of a call of a model that is no language model: made inside the step, by the attempt that really calls. */
import type { ModelCallStep } from "../../journal/step-names.ts";
import { TerminalError } from "../../restate.ts";
import { providerName } from "../../telemetry/gen-ai.ts";
import type { SpanAttributes } from "../../telemetry/span.ts";
import { type ModelTrace, spanErrorOf } from "../model-trace.ts";

/** One call, as it is made. */
interface TracedCall<RESULT> {
  /** Name of the step. */
  readonly name: string;
  readonly model: {
    readonly kind: ModelCallStep;
    readonly provider: string;
    readonly modelId: string;
    readonly attributes: (result: RESULT) => SpanAttributes;
  };
  readonly startMs: number;
}

/** Names of OpenTelemetry's conventions for generative AI, where they have one. */
const OPERATIONS: Readonly<Record<ModelCallStep, SpanAttributes & { readonly "gen_ai.operation.name": string }>> = {
  embed: { "gen_ai.operation.name": "embeddings" },
  image: { "gen_ai.operation.name": "generate_content", "gen_ai.output.type": "image" },
  speech: { "gen_ai.operation.name": "generate_content", "gen_ai.output.type": "speech" },
  transcribe: { "gen_ai.operation.name": "generate_content", "gen_ai.output.type": "text" },
  rerank: { "gen_ai.operation.name": "rerank" },
};

/** The provider has answered. */
export function traceCall<RESULT>(trace: ModelTrace, call: TracedCall<RESULT>, result: RESULT): void {
  const endMs = trace.trace.now();
  trace.trace.add(() => ({
    ...commonParts(trace, call),
    key: call.name,
    endMs,
    attributes: { ...commonAttributes(trace, call), ...call.model.attributes(result) },
  }));
}

/** The call has failed; see `traceFailure` of language models. */
export function traceFailedCall<RESULT>(
  trace: ModelTrace,
  call: TracedCall<RESULT>,
  thrown: unknown,
  failure: unknown,
): void {
  const endMs = trace.trace.now();
  trace.trace.add(() => ({
    ...commonParts(trace, call),
    key: failure instanceof TerminalError ? call.name : `${call.name} ${call.startMs}`,
    endMs,
    attributes: commonAttributes(trace, call),
    error: spanErrorOf(thrown, failure),
  }));
}

function commonParts<RESULT>({ parentSpanId }: ModelTrace, { model, startMs }: TracedCall<RESULT>) {
  const name = `${OPERATIONS[model.kind]["gen_ai.operation.name"]} ${model.modelId}`;
  return { name, kind: "client", parentSpanId, startMs } as const;
}

function commonAttributes<RESULT>(trace: ModelTrace, { name, model }: TracedCall<RESULT>): SpanAttributes {
  return {
    ...OPERATIONS[model.kind],
    "gen_ai.provider.name": providerName(model.provider),
    "gen_ai.request.model": model.modelId,
    ...trace.attributes,
    "restate.step.name": name,
  };
}
