/**
 * Calls of models that are no language models, each one journaled step.
 *
 * - K1 Names are counted in the invocation, by kind and prefix, in the order in which the calls are made (G2).
 * - K2 What the caller gets comes from the journal, live and on replay alike. Of the call itself nothing is stored: no
 *   input, request, response body or header (G7).
 * - K3 A failure is classified once, inside the step, with provider and model (G6). An answer that cannot be right, such as
 *   fewer embeddings than values, is a failure like a broken connection: the call is made again.
 */
import { JournalTooLargeError } from "../../errors/journal-too-large-error.ts";
import { blobCodec } from "../../journal/blob-codec.ts";
import { Blobs } from "../../journal/blobs.ts";
import { invocationCounter } from "../../journal/context.ts";
import type { StepCodec, StepScope } from "../../journal/step-host.ts";
import { modelCallStepName, type ModelCallStep } from "../../journal/step-names.ts";
import { currentStepHost } from "../../journal/step.ts";
import { MAX_STORED_BYTES, plainCodec, type StoredForm } from "../../journal/stored-form.ts";
import type { SpanAttributes } from "../../telemetry/span.ts";
import { CallLimits } from "../call-limits.ts";
import { currentTrace } from "../current-trace.ts";
import { judgeCall, untilAborted } from "../provider-call.ts";
import type { DurableCallOptions } from "./call-options.ts";
import { traceCall, traceFailedCall } from "./call-trace.ts";

/** A model of one kind whose calls are journaled. */
export interface JournaledModel<RESULT> {
  readonly kind: ModelCallStep;
  readonly provider: string;
  readonly modelId: string;
  readonly form: StoredForm<RESULT>;
  readonly options: DurableCallOptions;
  /** What a call's span tells about its result. */
  readonly attributes: (result: RESULT) => SpanAttributes;
}

/** What every call may have: the caller's signal. */
interface Parameters {
  readonly abortSignal?: AbortSignal | undefined;
}

/**
 * Checks the options when the model is defined.
 *
 * @throws DefinitionError
 */
export function checkCallOptions({ blobs }: DurableCallOptions): void {
  if (blobs !== undefined) void new Blobs(blobs);
}

/**
 * Makes one call a step of the running handler. `call` gets the parameters with a signal that ends with the attempt.
 *
 * @throws OutsideHandlerError outside of a handler.
 */
export async function journalCall<RESULT, PARAMETERS extends Parameters>(
  model: JournaledModel<RESULT>,
  parameters: PARAMETERS,
  call: (parameters: PARAMETERS & { readonly abortSignal: AbortSignal }) => PromiseLike<RESULT>,
): Promise<RESULT> {
  const { kind, modelId, options } = model;
  const steps = currentStepHost(`a durable model's ${kind} call`);
  const prefix = options.name ?? modelId;
  const name = modelCallStepName(kind, prefix, invocationCounter(`${kind} ${prefix}`)); // K1
  const trace = currentTrace();
  const caller = parameters.abortSignal;
  const action = async (scope: StepScope): Promise<RESULT> => {
    const limits = new CallLimits(options.timeout ?? {});
    const abortSignal = AbortSignal.any([scope.signal, limits.signal, ...(caller === undefined ? [] : [caller])]);
    // oxlint-disable-next-line no-restricted-properties -- inside a journaled step
    const startMs = Date.now();
    try {
      abortSignal.throwIfAborted();
      const work = Promise.resolve(call({ ...parameters, abortSignal }));
      const result = await untilAborted(work, abortSignal);
      if (trace !== undefined) traceCall(trace, { name, model, startMs }, result);
      return result;
    } catch (error) {
      const failure = judgeCall(error, {
        name,
        provider: model,
        caller,
        attempt: scope.signal,
        limits: limits.signal,
      });
      if (trace !== undefined) traceFailedCall(trace, { name, model, startMs }, error, failure);
      throw failure;
    } finally {
      limits.end();
    }
  };
  return await steps.step(name, action, codecOf(model, name), options.runOptions);
}

function codecOf<RESULT>({ form, options }: JournaledModel<RESULT>, step: string): StepCodec<RESULT> {
  // New ones each time: they hold what they have read, and must not outlive an attempt.
  if (options.blobs !== undefined) return blobCodec(form, new Blobs(options.blobs), step);
  const plain = plainCodec(form);
  return {
    ...plain,
    encode: (result) => {
      const bytes = contentBytes(result);
      if (bytes > MAX_STORED_BYTES) throw new JournalTooLargeError(step, bytes, MAX_STORED_BYTES);
      return plain.encode(result);
    },
  };
}

/** About what large content takes in the journal: bytes become base64, which is a third more. */
function contentBytes(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (value instanceof Uint8Array) return Math.ceil(value.length / 3) * 4;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + contentBytes(item), 0);
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce<number>((sum, item) => sum + contentBytes(item), 0);
}
