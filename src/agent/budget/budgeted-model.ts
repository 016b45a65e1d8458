/** A journaled model whose calls are within the budgets of its run. */
import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4GenerateResult } from "@ai-sdk/provider";
import { type LanguageModel, wrapLanguageModel } from "ai";
import { modelsIn } from "../../model/fallback/fallback-model.ts";
import { resolveModel } from "../../model/resolve-model.ts";
import { synthesizeStream } from "../../model/synthesize-stream.ts";
import type { BudgetGuard, Deadline } from "./budget-guard.ts";

/** The raw finish reason of an answer that stands in for a call. */
const BUDGET_EXCEEDED = "budget-exceeded";

/** True for an answer that stands in for a call, because a budget is used up. */
export function isBudgetNotice({
  finishReason,
}: {
  readonly finishReason: { readonly raw?: string | undefined };
}): boolean {
  return finishReason.raw === BUDGET_EXCEEDED;
}

/** Makes the journaled form of a model, in the run's own way. */
type Journaled = (model: LanguageModel) => LanguageModelV4;

/**
 * @param make `called`: for models that are called. `silent`: for what stands in for a call, and concerns no provider.
 * @param guard Undefined: no budget is there.
 */
export function budgetedModel(
  model: LanguageModel,
  make: { readonly called: Journaled; readonly silent: Journaled },
  guard: BudgetGuard | undefined,
): LanguageModelV4 {
  const plain = make.called(model);
  if (guard === undefined || guard.counted.length === 0) return plain;
  const { provider, modelId, supportedUrls } = plain;
  const models = modelsIn(model);
  const within = async <T>(
    parameters: LanguageModelV4CallOptions,
    call: (model: LanguageModelV4, parameters: LanguageModelV4CallOptions) => PromiseLike<T>,
  ): Promise<T> => {
    const admission = await guard.admit(models, parameters.maxOutputTokens);
    if ("notice" in admission) return call(make.silent(noticeModel(admission.notice)), parameters);
    const { maxOutputTokens, deadline } = admission;
    const capped = maxOutputTokens === undefined ? parameters : { ...parameters, maxOutputTokens };
    try {
      return await call(deadline === undefined ? plain : make.called(timedModel(model, deadline)), capped);
    } catch (error) {
      if (deadline !== undefined) guard.failLate(error);
      throw error;
    } finally {
      guard.settled();
    }
  };
  return {
    specificationVersion: "v4",
    provider,
    modelId,
    supportedUrls,
    doGenerate: (parameters) => within(parameters, (of, given) => of.doGenerate(given)),
    doStream: (parameters) => within(parameters, (of, given) => of.doStream(given)),
  };
}

/** Answers with one sentence, and costs nothing. Its answer is journaled as any other: readers of streams see it too. */
function noticeModel(notice: string): LanguageModelV4 {
  return {
    specificationVersion: "v4",
    provider: "restate-edge-agents",
    modelId: "budget",
    supportedUrls: {},
    doGenerate: async () => answer(notice),
    doStream: async () => streamed(notice),
  };
}

/** The model, unless its time is over when the call begins. It runs inside the step of the call, which may read a clock. */
function timedModel(model: LanguageModel, { ms, expired }: Deadline): LanguageModelV4 {
  const late = (): string | undefined => {
    // oxlint-disable-next-line no-restricted-properties -- inside a journaled step
    const now = Date.now();
    return now < ms ? undefined : expired(now).notice;
  };
  return wrapLanguageModel({
    model: resolveModel(model),
    middleware: {
      wrapGenerate: async ({ doGenerate }) => {
        const notice = late();
        return notice === undefined ? await doGenerate() : answer(notice);
      },
      wrapStream: async ({ doStream }) => {
        const notice = late();
        return notice === undefined ? await doStream() : streamed(notice);
      },
    },
  });
}

type Answer = LanguageModelV4GenerateResult;

function answer(notice: string): Answer {
  return {
    content: notice === "" ? [] : [{ type: "text", text: notice }],
    finishReason: { unified: "other", raw: BUDGET_EXCEEDED },
    usage: {
      inputTokens: { total: undefined, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
      outputTokens: { total: undefined, text: undefined, reasoning: undefined },
    },
    warnings: [],
  };
}

function streamed(notice: string): { readonly stream: ReturnType<typeof synthesizeStream> } {
  return {
    stream: synthesizeStream({ ...answer(notice), ms: 0 } as unknown as Parameters<typeof synthesizeStream>[0]),
  };
}
