/** The span `undo <tool>`, or `undo` of what `onRollback()` has registered. */
import { contentText } from "../../telemetry/gen-ai.ts";
import type { InvocationTrace } from "../../telemetry/invocation-trace.ts";
import type { SpanAttributes } from "../../telemetry/span.ts";
import { WorkTrace } from "../../telemetry/work-trace.ts";
import type { Undoing } from "./compensation.ts";

/** What a run says of the spans of its compensations. */
export interface UndoSpanOptions {
  readonly parentSpanId?: string | undefined;
  readonly attributes?: SpanAttributes;
  readonly recordInputs?: boolean;
  readonly recordOutputs?: boolean;
}

/** Undefined when nobody wants spans. */
export function undoSpan(
  trace: InvocationTrace | undefined,
  { step, what, input, outcome, spanId }: Undoing,
  { parentSpanId, attributes, recordInputs = false, recordOutputs = false }: UndoSpanOptions = {},
): WorkTrace | undefined {
  if (trace === undefined) return undefined;
  return new WorkTrace({
    trace,
    key: step,
    name: what.tool === undefined ? "undo" : `undo ${what.tool}`,
    parentSpanId: spanId ?? parentSpanId ?? trace.outerSpanId,
    attributes: () => ({
      ...attributes,
      ...(what.tool === undefined
        ? { "agent.undo.label": what.label }
        : { "gen_ai.tool.name": what.tool, "gen_ai.tool.call.id": what.toolCallId, "agent.undo.outcome": outcome }),
      ...(recordInputs && what.tool !== undefined ? { "gen_ai.tool.call.arguments": contentText(input) } : {}),
    }),
    recordMessages: recordOutputs,
  });
}
