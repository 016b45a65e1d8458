/** What models cost, as their user says: prices change, and nobody's list is kept here. */
import type { LanguageModelUsage } from "ai";

/** The price of one model, per million tokens, in whatever currency the budget is in. */
export interface ModelPrice {
  /** Of input that no cache had. */
  readonly input: number;
  /** Of input that came from the provider's cache. Default: as `input`. */
  readonly cachedInput?: number;
  /** Of input that was written to the provider's cache. Default: as `input`. */
  readonly cacheWrite?: number;
  /** Of output, reasoning included. */
  readonly output: number;
}

/** Prices by model id, such as `gpt-5.2`, or by `<provider>/<model id>`, which comes first. */
export type Prices = Readonly<Record<string, ModelPrice>>;

/** A model, as the AI SDK names it. */
export interface PricedModel {
  readonly provider: string;
  readonly modelId: string;
}

const MILLION = 1_000_000;
/** Money is compared to so many parts of one. */
const PRECISION = 1_000_000_000;

/** The price of `model`; undefined when nobody has said it. */
export function priceOf(prices: Prices, { provider, modelId }: PricedModel): ModelPrice | undefined {
  const key = [`${provider}/${modelId}`, modelId].find((name) => Object.hasOwn(prices, name));
  return key === undefined ? undefined : prices[key];
}

/** What `usage` costs. Tokens that the provider did not report cost nothing. */
export function costOf(
  price: ModelPrice,
  { inputTokens, inputTokenDetails, outputTokens }: LanguageModelUsage,
): number {
  const read = inputTokenDetails.cacheReadTokens ?? 0;
  const written = inputTokenDetails.cacheWriteTokens ?? 0;
  const fresh = Math.max(0, (inputTokens ?? 0) - read - written);
  const { input, cachedInput = input, cacheWrite = input, output } = price;
  return money((fresh * input + read * cachedInput + written * cacheWrite + (outputTokens ?? 0) * output) / MILLION);
}

/** Most output tokens that `cost` buys. */
export function outputTokensFor(price: ModelPrice, cost: number): number {
  return price.output === 0 ? Infinity : Math.floor(money((cost * MILLION) / price.output));
}

/** Without what floating point adds. */
export function money(amount: number): number {
  return Math.round(amount * PRECISION) / PRECISION;
}
