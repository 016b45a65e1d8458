import type { LanguageModelV4 } from "@ai-sdk/provider";
import type { LanguageModel } from "ai";
import { blobCodec } from "../journal/blob-codec.ts";
import { type BlobOptions, Blobs } from "../journal/blobs.ts";
import { invocationCounter } from "../journal/context.ts";
import type { StepOptions } from "../journal/step-host.ts";
import { modelStepName } from "../journal/step-names.ts";
import { currentStepHost } from "../journal/step.ts";
import { currentTrace } from "./current-trace.ts";
import { journalModel, type ModelHost } from "./journal-model.ts";
import { modelStepForm } from "./model-step.ts";
import type { StreamEvent } from "./stream-event.ts";

/** Options of `durableModel`. */
export interface DurableModelOptions {
  /** Prefix of the step names `<name> model <n>`. Default: the model's id. */
  readonly name?: string;
  /** Retry bounds of each call. Default: the invocation's retry policy. */
  readonly runOptions?: StepOptions;
  /** Called with live parts from inside the step; see `RestateAgentOptions.onStreamEvent`. */
  readonly onStreamEvent?: (event: StreamEvent) => void | PromiseLike<void>;
  /** Where large content of answers goes, such as generated files. Default: into the journal. */
  readonly blobs?: BlobOptions;
  /** Bounds of one call, in milliseconds. Exceeding one is a transient failure. */
  readonly timeout?: { readonly stepMs?: number; readonly firstChunkMs?: number; readonly chunkMs?: number };
}

/**
 * A language model whose calls are journaled steps of the running handler, for `generateText`, `streamText` and
 * `generateObject`. It may live at module level. Set `maxRetries: 0` where you use it: Restate retries.
 *
 * @example
 * ```ts
 * const model = durableModel(openai("gpt-5.2"));
 * const { text } = await generateText({ model, prompt, maxRetries: 0 });
 * ```
 *
 * @throws OutsideHandlerError when called outside of a handler.
 * @throws DefinitionError when the options are not valid.
 */
export function durableModel(model: LanguageModel, options: DurableModelOptions = {}): LanguageModelV4 {
  const { name, runOptions, onStreamEvent, timeout, blobs } = options;
  if (blobs !== undefined) void new Blobs(blobs); // Checked when the model is defined.
  const host: ModelHost = {
    steps: { step: (...step) => currentStepHost("a durable model").step(...step) },
    nextStepName: ({ modelId }) => {
      currentStepHost("a durable model"); // Says what is wrong, where the counter could only say that it is not there.
      const prefix = name ?? modelId;
      return modelStepName(prefix, invocationCounter(`model ${prefix}`));
    },
    trace: currentTrace,
    ...(runOptions === undefined ? {} : { options: runOptions }),
    ...(onStreamEvent === undefined ? {} : { onStreamEvent }),
    ...(timeout === undefined ? {} : { timeout }),
    ...(blobs === undefined ? {} : { codec: (step) => blobCodec(modelStepForm, new Blobs(blobs), step) }),
  };
  return journalModel(model, host);
}
