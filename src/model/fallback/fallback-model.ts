import type { LanguageModelV4, LanguageModelV4StreamPart } from "@ai-sdk/provider";
import type { LanguageModel } from "ai";
import { DefinitionError } from "../../errors/definition-error.ts";
import { resolveModel } from "../resolve-model.ts";
import { begunStream, isNoAnswer } from "./begun-stream.ts";
import { withNote } from "./fallback-metadata.ts";
import type { FallbackOptions, TriedModel } from "./fallback-options.ts";
import { commonUrls } from "./supported-urls.ts";
import { type NamedModel, tryInOrder } from "./try-in-order.ts";

/** On a fallback model: its models. */
const MODELS = Symbol.for("restate-edge-agents.fallback-models");

/**
 * Every model that may answer for this one: of a fallback model its own, of any other itself. Middleware around a fallback
 * model hides them.
 */
export function modelsIn(model: LanguageModel): readonly NamedModel[] {
  if (typeof model === "string" || !(MODELS in model)) return [resolveModel(model)];
  return (model[MODELS] as readonly LanguageModel[]).flatMap(modelsIn);
}

/**
 * Several models as one: they are asked in order until one answers, for agents, `durableModel`, and the AI SDK's own
 * functions. In an agent all of it is one journaled step, so a replay asks nobody.
 *
 * The next model is asked when one cannot be reached, is overloaded, refuses the key, or does not have or do what is asked;
 * not when the request itself is wrong (see `falls-back.ts`). A stream moves on only as long as it has brought no output.
 * Who failed, and who has answered, is noted in the answer's `providerMetadata.fallback`; `response.modelId` is that of
 * the model that has answered. It bears the name of its first model.
 *
 * @example
 * ```ts
 * const model = fallbackModel([openai("gpt-5.2"), anthropic("claude-sonnet-4-5")], { timeoutMs: 20_000 });
 * const agent = new RestateAgent({ id: "support", model });
 * ```
 *
 * @throws DefinitionError when there is no model, or the options are not valid.
 * @throws FallbackFailedError when called, if all have failed for good. If a failure may pass, Restate tries again.
 */
export function fallbackModel(models: readonly LanguageModel[], options: FallbackOptions = {}): LanguageModelV4 {
  const resolved = models.map(resolveModel);
  const [first] = resolved;
  if (first === undefined)
    throw new DefinitionError("Cannot define a fallback model without models: name at least one");
  checkTimeout(options);
  const fallback: LanguageModelV4 = {
    specificationVersion: "v4",
    provider: first.provider,
    modelId: first.modelId,
    get supportedUrls() {
      return commonUrls(resolved);
    },
    doGenerate: async (parameters) => {
      const { model, answer, tried } = await tryInOrder(
        resolved,
        options,
        parameters.abortSignal,
        async (candidate, abortSignal) => {
          const generated = await candidate.doGenerate({ ...parameters, abortSignal });
          const { content, finishReason } = generated;
          if (content.length > 0 || !isNoAnswer(finishReason.unified)) return generated;
          throw new Error("The model's answer was empty");
        },
      );
      const providerMetadata = withNote(answer.providerMetadata, model, tried);
      const response = { ...answer.response, modelId: answer.response?.modelId ?? model.modelId };
      return { ...answer, response, ...(providerMetadata === undefined ? {} : { providerMetadata }) };
    },
    doStream: async (parameters) => {
      const { model, answer, tried } = await tryInOrder(
        resolved,
        options,
        parameters.abortSignal,
        async (candidate, abortSignal) => {
          const result = await candidate.doStream({ ...parameters, abortSignal });
          return { ...result, stream: await begunStream(result.stream) };
        },
      );
      return { ...answer, stream: answer.stream.pipeThrough(noted(model, tried)) };
    },
  };
  return Object.defineProperty(fallback, MODELS, { value: models });
}

/** @throws DefinitionError */
export function checkTimeout({ timeoutMs }: FallbackOptions): void {
  if (timeoutMs === undefined || (timeoutMs > 0 && Number.isFinite(timeoutMs))) return;
  throw new DefinitionError(
    `Cannot define a fallback model: timeoutMs must be a positive number of milliseconds: current value is ${timeoutMs}`,
  );
}

/** The stream with its model's name, and with the note in its last part. */
function noted(
  model: LanguageModelV4,
  tried: readonly TriedModel[],
): TransformStream<LanguageModelV4StreamPart, LanguageModelV4StreamPart> {
  let isNamed = false;
  return new TransformStream({
    transform: (part, controller) => {
      if (part.type === "finish") {
        const providerMetadata = withNote(part.providerMetadata, model, tried);
        return controller.enqueue({ ...part, ...(providerMetadata === undefined ? {} : { providerMetadata }) });
      }
      controller.enqueue(part);
      if (isNamed || part.type !== "stream-start") return;
      isNamed = true; // The provider's own metadata comes after it, and wins.
      controller.enqueue({ type: "response-metadata", modelId: model.modelId });
    },
  });
}
