import { type EmbeddingModelV4, InvalidResponseDataError } from "@ai-sdk/provider";
import { customProvider, type EmbeddingModel, wrapEmbeddingModel } from "ai";
import type { DurableCallOptions } from "./call-options.ts";
import { embeddingForm, type EmbeddingResult } from "./embedding-form.ts";
import { checkCallOptions, journalCall, type JournaledModel } from "./journal-call.ts";

/**
 * An embedding model whose calls are journaled steps of the running handler, for `embed` and `embedMany`. It may live at
 * module level. `embedMany` makes one step of each batch; batches overlap as far as the model and `maxParallelCalls` allow.
 * Vectors are stored as bytes: 1,536 numbers take 8 KiB as most providers write them, instead of 20 to 32.
 *
 * @example
 * ```ts
 * const model = durableEmbeddingModel(openai.embeddingModel("text-embedding-3-small"));
 * const { embeddings } = await embedMany({ model, values: paragraphs });
 * ```
 *
 * @throws OutsideHandlerError when called outside of a handler.
 * @throws DefinitionError when the options are not valid.
 */
export function durableEmbeddingModel(model: EmbeddingModel, options: DurableCallOptions = {}): EmbeddingModelV4 {
  checkCallOptions(options);
  const provider = customProvider({ embeddingModels: { model } }).embeddingModel("model");
  const journaled: JournaledModel<EmbeddingResult> = {
    kind: "embed",
    provider: provider.provider,
    modelId: provider.modelId,
    form: embeddingForm,
    options,
    attributes: ({ embeddings, usage }) => ({
      "gen_ai.usage.input_tokens": usage?.tokens,
      "gen_ai.embeddings.dimension.count": embeddings[0]?.length,
    }),
  };
  return {
    ...wrapEmbeddingModel({ model: provider, middleware: {} }), // Bounds of a batch, also experimental ones.
    doEmbed: (parameters) =>
      journalCall(journaled, parameters, async (bounded) => {
        const { response: _, ...result } = await provider.doEmbed(bounded);
        const { embeddings } = result;
        if (embeddings.length === parameters.values.length) return result;
        const message = `Expected ${parameters.values.length} embeddings, but received ${embeddings.length}`;
        throw new InvalidResponseDataError({ data: undefined, message });
      }),
  };
}
