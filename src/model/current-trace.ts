import { currentPlace } from "../journal/ambient.ts";
import type { ModelTrace } from "./model-trace.ts";

/** The call belongs to the tool around it, if there is one. Content is not recorded: there is no setting that says so. */
export function currentTrace(): ModelTrace | undefined {
  const place = currentPlace();
  const trace = place?.invocation.trace;
  if (place === undefined || trace === undefined) return undefined;
  const parentSpanId = place.spanId ?? trace.outerSpanId;
  return { trace, parentSpanId, attributes: {}, recordInputs: false, recordOutputs: false };
}
