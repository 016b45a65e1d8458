import type { EmbeddingModelV4 } from "@ai-sdk/provider";
import { customProvider, type EmbeddingModel, wrapEmbeddingModel } from "ai";
import { DefinitionError } from "../../errors/definition-error.ts";
import { withNote } from "./fallback-metadata.ts";
import { checkTimeout } from "./fallback-model.ts";
import type { FallbackOptions } from "./fallback-options.ts";
import { tryInOrder } from "./try-in-order.ts";

/**
 * One embedding model at several providers, asked in order until one answers, as `fallbackModel` does it. Give it the *same*
 * model at each: vectors of different models cannot be compared, and nothing would tell. A batch is as large as all of
 * them take. Who failed, and who has answered, is noted in `providerMetadata.fallback`.
 *
 * @example
 * ```ts
 * const id = "text-embedding-3-small";
 * const model = durableEmbeddingModel(fallbackEmbeddingModel([openai.embedding(id), azure.embedding(id)]));
 * ```
 *
 * @throws DefinitionError when there is no model, or the options are not valid.
 * @throws FallbackFailedError when called, if all have failed for good. If a failure may pass, Restate tries again.
 */
export function fallbackEmbeddingModel(
  models: readonly EmbeddingModel[],
  options: FallbackOptions = {},
): EmbeddingModelV4 {
  const resolved = models.map((model) => customProvider({ embeddingModels: { model } }).embeddingModel("model"));
  const [first, ...others] = resolved;
  if (first === undefined)
    throw new DefinitionError("Cannot define a fallback model without models: name at least one");
  checkTimeout(options);
  return {
    ...wrapEmbeddingModel({ model: first, middleware: {} }),
    maxEmbeddingsPerCall: smallest([first, ...others].map(({ maxEmbeddingsPerCall }) => maxEmbeddingsPerCall)),
    supportsParallelCalls: everyOne([first, ...others].map(({ supportsParallelCalls }) => supportsParallelCalls)),
    doEmbed: async (parameters) => {
      const { model, answer, tried } = await tryInOrder(
        resolved,
        options,
        parameters.abortSignal,
        (candidate, abortSignal) => candidate.doEmbed({ ...parameters, abortSignal }),
      );
      const providerMetadata = withNote(answer.providerMetadata, model, tried);
      return { ...answer, ...(providerMetadata === undefined ? {} : { providerMetadata }) };
    },
  };
}

type Bound = EmbeddingModelV4["maxEmbeddingsPerCall"];
type Support = EmbeddingModelV4["supportsParallelCalls"];

/** The smallest bound; undefined when there is none. */
function smallest(bounds: readonly Bound[]): Bound {
  const least = (known: readonly (number | undefined)[]): number | undefined => {
    const bound = Math.min(...known.map((one) => one ?? Infinity));
    return Number.isFinite(bound) ? bound : undefined;
  };
  // A promise only where there is one: models live at module level, outside of requests.
  const known = bounds.filter((bound) => typeof bound !== "object");
  return known.length === bounds.length ? least(known) : settled(bounds).then(least);
}

function everyOne(all: readonly Support[]): Support {
  const known = all.filter((one) => typeof one === "boolean");
  return known.length === all.length ? known.every(Boolean) : settled(all).then((each) => each.every(Boolean));
}

function settled<T>(values: readonly (T | PromiseLike<T>)[]): Promise<T[]> {
  return Promise.all(values.map((value) => Promise.resolve(value)));
}
