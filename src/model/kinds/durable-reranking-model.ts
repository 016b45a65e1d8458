import { InvalidResponseDataError, type RerankingModelV4, type RerankingModelV4Result } from "@ai-sdk/provider";
import { customProvider, type RerankingModel } from "ai";
import type { DurableCallOptions } from "./call-options.ts";
import { checkCallOptions, journalCall, type JournaledModel } from "./journal-call.ts";
import { rerankingForm } from "./reranking-form.ts";

/**
 * A reranking model whose calls are journaled steps of the running handler, for `rerank`. It may live at module level. The
 * documents are not stored, their order is.
 *
 * @example
 * ```ts
 * const model = durableRerankingModel(cohere.reranking("rerank-v3.5"));
 * const { rerankedDocuments } = await rerank({ model, query, documents, topN: 3 });
 * ```
 *
 * @throws OutsideHandlerError when called outside of a handler.
 * @throws DefinitionError when the options are not valid.
 */
export function durableRerankingModel(model: RerankingModel, options: DurableCallOptions = {}): RerankingModelV4 {
  checkCallOptions(options);
  const provider = customProvider({ rerankingModels: { model } }).rerankingModel("model");
  const journaled: JournaledModel<RerankingModelV4Result> = {
    kind: "rerank",
    provider: provider.provider,
    modelId: provider.modelId,
    form: rerankingForm,
    options,
    attributes: ({ response }) => ({
      "gen_ai.response.id": response?.id,
      "gen_ai.response.model": response?.modelId,
    }),
  };
  return {
    specificationVersion: "v4",
    provider: provider.provider,
    modelId: provider.modelId,
    doRerank: (parameters) =>
      journalCall(journaled, parameters, async (bounded) => {
        const { response, warnings = [], ...result } = await provider.doRerank(bounded);
        const count = parameters.documents.values.length;
        const isPlace = ({ index }: { readonly index: number }): boolean =>
          Number.isInteger(index) && index >= 0 && index < count;
        if (!result.ranking.every(isPlace)) {
          const message = `The ranking names documents that are not among the ${count}`;
          throw new InvalidResponseDataError({ data: undefined, message });
        }
        return { ...result, warnings, response: responseFacts(response, provider.modelId) };
      }),
  };
}

function responseFacts(
  response: RerankingModelV4Result["response"],
  model: string,
): NonNullable<RerankingModelV4Result["response"]> {
  // oxlint-disable-next-line library/no-ambient-date -- inside a journaled step
  const { id, timestamp = new Date(), modelId = model } = response ?? {};
  return { ...(id === undefined ? {} : { id }), timestamp, modelId };
}
