/** Sums of token usage, as the AI SDK makes them. */
import type { LanguageModelUsage } from "ai";

/** Nothing was used, as far as anybody knows. */
export const NO_USAGE: LanguageModelUsage = {
  inputTokens: undefined,
  inputTokenDetails: { noCacheTokens: undefined, cacheReadTokens: undefined, cacheWriteTokens: undefined },
  outputTokens: undefined,
  outputTokenDetails: { textTokens: undefined, reasoningTokens: undefined },
  totalTokens: undefined,
};

/** The sum of both. What neither knows stays unknown. */
export function addUsage(one: LanguageModelUsage, other: LanguageModelUsage): LanguageModelUsage {
  const input = [one.inputTokenDetails, other.inputTokenDetails] as const;
  const output = [one.outputTokenDetails, other.outputTokenDetails] as const;
  return {
    inputTokens: sum(one.inputTokens, other.inputTokens),
    inputTokenDetails: {
      noCacheTokens: sum(input[0].noCacheTokens, input[1].noCacheTokens),
      cacheReadTokens: sum(input[0].cacheReadTokens, input[1].cacheReadTokens),
      cacheWriteTokens: sum(input[0].cacheWriteTokens, input[1].cacheWriteTokens),
    },
    outputTokens: sum(one.outputTokens, other.outputTokens),
    outputTokenDetails: {
      textTokens: sum(output[0].textTokens, output[1].textTokens),
      reasoningTokens: sum(output[0].reasoningTokens, output[1].reasoningTokens),
    },
    totalTokens: sum(one.totalTokens, other.totalTokens),
  };
}

function sum(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined && other === undefined ? undefined : (one ?? 0) + (other ?? 0);
}
