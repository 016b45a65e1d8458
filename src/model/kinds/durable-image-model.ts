import { type ImageModelV4, type ImageModelV4Result, InvalidResponseDataError } from "@ai-sdk/provider";
import { customProvider, type ImageModel, wrapImageModel } from "ai";
import type { DurableCallOptions } from "./call-options.ts";
import { checkCallOptions, journalCall, type JournaledModel } from "./journal-call.ts";
import { versionedForm } from "./versioned-form.ts";

/**
 * An image model whose calls are journaled steps of the running handler, for `generateImage`. It may live at module level.
 * The images are in the journal, or in a blob store with `blobs`; images that are to be edited are not stored.
 *
 * @example
 * ```ts
 * const model = durableImageModel(openai.image("gpt-image-1"), { blobs: { store: r2BlobStore(env.BLOBS) } });
 * const { image } = await generateImage({ model, prompt: "A lighthouse at dusk" });
 * ```
 *
 * @throws OutsideHandlerError when called outside of a handler.
 * @throws JournalTooLargeError when the images do not fit into the journal: use `blobs`.
 * @throws DefinitionError when the options are not valid.
 */
export function durableImageModel(model: ImageModel, options: DurableCallOptions = {}): ImageModelV4 {
  checkCallOptions(options);
  const provider = customProvider({ imageModels: { model } }).imageModel("model");
  const journaled: JournaledModel<ImageModelV4Result> = {
    kind: "image",
    provider: provider.provider,
    modelId: provider.modelId,
    form: versionedForm("image call"),
    options,
    attributes: ({ response, usage }) => ({
      "gen_ai.response.model": response.modelId,
      "gen_ai.usage.input_tokens": usage?.inputTokens,
      "gen_ai.usage.output_tokens": usage?.outputTokens,
    }),
  };
  return {
    ...wrapImageModel({ model: provider, middleware: {} }),
    doGenerate: (parameters) =>
      journalCall(journaled, parameters, async (bounded) => {
        const result = await provider.doGenerate(bounded);
        if (result.images.length === 0 && result.isRetryable !== false) {
          throw new InvalidResponseDataError({ data: undefined, message: "The answer holds no image" });
        }
        const { timestamp, modelId } = result.response;
        return { ...result, response: { timestamp, modelId, headers: undefined } };
      }),
  };
}
