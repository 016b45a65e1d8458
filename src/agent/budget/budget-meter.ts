/**
 * What has been used of one budget: of one run's, or one conversation's.
 *
 * - B1 Journal order. What is used changes when a journaled answer is handed over, or a call begins, both in the order of the
 *   journal: so a replay finds the same amounts at each place, and nothing counts twice (G2).
 * - B2 Reserved. A call that is under way counts as one step, and with as many output tokens as it may bring. So agents that
 *   run at the same time cannot each take the last of it.
 * - B3 Lent. What an agent that is called elsewhere may use is its bound there, and nobody's here until it has answered.
 */
import type { LanguageModelUsage } from "ai";
import type { Awaitable } from "../../journal/awaitable.ts";
import { Latch } from "../../journal/latch.ts";
import type { Scheduler } from "../../journal/scheduler.ts";
import { DefinitionError } from "../../errors/definition-error.ts";
import {
  type Budget,
  type BudgetBound,
  BUDGET_LIMITS,
  type BudgetExceeded,
  type BudgetLimit,
  type BudgetSpent,
} from "./budget.ts";
import { costOf, money, type ModelPrice, outputTokensFor, priceOf, type PricedModel } from "./prices.ts";

/** Of what has no price nothing is known; `check()` says so before the next call. */
const FREE: ModelPrice = { input: 0, output: 0 };

/** Fewest output tokens that a call is asked for: providers refuse less. */
const FEWEST_OUTPUT_TOKENS = 16;

/** What counts what is used; `UsageLedger` does. */
export interface UsageSource {
  readonly models: readonly (PricedModel & { readonly steps: number; readonly usage: LanguageModelUsage })[];
}

/** Where a meter begins: what a segment or a turn hands to the next. */
export interface BudgetState {
  /** Used before, by what the meter's source does not know. */
  readonly spent?: BudgetSpent | undefined;
  /** What people have allowed beyond the budget. */
  readonly granted?: BudgetSpent | undefined;
  /** When its time began, in milliseconds since 1970. */
  readonly startedMs?: number | undefined;
}

/** What a call that is under way may use. */
type Reserved = Readonly<Record<"steps" | "outputTokens" | "cost", number>>;

/** Limits of which a part can be lent; of time everybody has the same. */
const LENT = ["steps", "inputTokens", "outputTokens", "totalTokens", "cost"] as const;

/** What is lent to an agent elsewhere (B3). */
export interface Loan {
  readonly bound: BudgetBound;
  /** It has answered, and what it has used is in the ledger. */
  readonly release: () => void;
}

/** See the head of this file. */
export class BudgetMeter {
  readonly budget: Budget;
  /** Whose budget it is, for people: `run "weather"`. */
  readonly what: string;
  /** Somebody has been asked, and has not answered. */
  asking: Latch | undefined;
  /** Somebody has been asked, and wants no more. */
  isClosed = false;
  readonly #source: UsageSource;
  readonly #before: BudgetSpent;
  readonly #granted: { [LIMIT in BudgetLimit]?: number };
  readonly #reserved = new Set<Reserved>();
  readonly #lent = new Set<BudgetSpent>();
  #startedMs: number | undefined;
  #released: Latch | undefined;

  constructor(what: string, budget: Budget, source: UsageSource, state: BudgetState = {}) {
    this.what = what;
    this.budget = budget;
    this.#source = source;
    this.#before = state.spent ?? {};
    this.#granted = { ...state.granted } as { [LIMIT in BudgetLimit]?: number };
    this.#startedMs = state.startedMs;
  }

  /** When its time began; undefined: it has not. */
  get startedMs(): number | undefined {
    return this.#startedMs;
  }

  /** The time of its first model call. */
  start(ms: number | undefined): void {
    this.#startedMs ??= ms;
  }

  /** When its time ends, in milliseconds since 1970; undefined: it has no end, or has not begun. */
  get deadlineMs(): number | undefined {
    const allowed = this.allowed("durationMs");
    if (allowed === undefined || this.#startedMs === undefined) return undefined;
    return this.#startedMs + allowed - (this.#before.durationMs ?? 0);
  }

  /** The bound, with what people have allowed since. */
  allowed(limit: BudgetLimit): number | undefined {
    const bound = this.budget[limit];
    return bound === undefined ? undefined : bound + (this.#granted[limit] ?? 0);
  }

  /** @param nowMs The journal's time, where it is known. */
  spent(nowMs?: number): BudgetSpent {
    const models = this.#source.models;
    const sum = (limit: keyof BudgetSpent, of: (model: (typeof models)[number]) => number | undefined): number =>
      models.reduce((total, model) => total + (of(model) ?? 0), this.#before[limit] ?? 0);
    const { prices, durationMs } = this.budget;
    const elapsed = nowMs === undefined || this.#startedMs === undefined ? 0 : Math.max(0, nowMs - this.#startedMs);
    return {
      steps: sum("steps", ({ steps }) => steps),
      inputTokens: sum("inputTokens", ({ usage }) => usage.inputTokens),
      outputTokens: sum("outputTokens", ({ usage }) => usage.outputTokens),
      totalTokens: sum("totalTokens", ({ usage }) => usage.totalTokens),
      ...(prices === undefined
        ? {}
        : { cost: money(sum("cost", ({ usage, ...model }) => costOf(priceOf(prices, model) ?? FREE, usage))) }),
      ...(durationMs === undefined ? {} : { durationMs: (this.#before.durationMs ?? 0) + elapsed }),
    };
  }

  /** What the next segment begins with: its source has what was used. */
  get handover(): BudgetState {
    const { startedMs } = this;
    return { granted: { ...this.#granted }, ...(startedMs === undefined ? {} : { startedMs }) };
  }

  /** What the next turn begins with: its source begins anew, and so does its time. */
  stateAt(nowMs: number): BudgetState {
    return { spent: this.spent(nowMs), granted: { ...this.#granted } };
  }

  /**
   * The first bound that is reached; `wait`: it may be, when the calls under way have used what they may.
   *
   * @param models Those of which one answers the next call.
   * @throws DefinitionError when money is counted and one of `models`, or one that was used, has no price.
   */
  check(models: readonly PricedModel[], nowMs?: number): BudgetExceeded | "wait" | undefined {
    const spent = this.spent(nowMs);
    if (this.budget.prices !== undefined) for (const used of [...models, ...this.#source.models]) this.#priceOf(used);
    let isTight = false;
    for (const limit of BUDGET_LIMITS) {
      const allowed = this.allowed(limit);
      if (allowed === undefined) continue;
      const left = allowed - (spent[limit] ?? 0);
      const reserved = this.#reservedOf(limit);
      const isTaken = left - reserved < (limit === "steps" ? 1 : Number.MIN_VALUE) && this.#lentOf(limit) > 0;
      if (left <= 0 || (limit === "steps" && left - reserved < 1 && !isTaken)) return { limit, allowed, spent };
      const cap = this.#tokensFor(limit, left, models);
      if (cap < FEWEST_OUTPUT_TOKENS) return { limit, allowed, spent };
      isTight ||= isTaken || (reserved > 0 && this.#tokensFor(limit, left - reserved, models) < FEWEST_OUTPUT_TOKENS);
    }
    return isTight ? "wait" : undefined;
  }

  /** Most output tokens that a call may bring, whichever of `models` answers; undefined: there is no bound for one call. */
  outputCap(models: readonly PricedModel[]): number | undefined {
    const { maxOutputTokensPerCall } = this.budget;
    if (maxOutputTokensPerCall === undefined) return undefined;
    const spent = this.spent();
    const caps = BUDGET_LIMITS.map((limit) => {
      const allowed = this.allowed(limit);
      if (allowed === undefined) return Infinity;
      return this.#tokensFor(limit, allowed - (spent[limit] ?? 0) - this.#reservedOf(limit), models);
    });
    return Math.min(maxOutputTokensPerCall, ...caps);
  }

  /** A call begins (B2) that the dearest of `models` may answer. Returns what is to be called when it has ended. */
  reserve(models: readonly PricedModel[], outputTokens: number | undefined): () => void {
    const { prices } = this.budget;
    const tokens = this.budget.maxOutputTokensPerCall === undefined ? 0 : (outputTokens ?? 0);
    const usage = { inputTokenDetails: {}, outputTokens: tokens } as LanguageModelUsage;
    const reserved: Reserved = {
      steps: 1,
      outputTokens: tokens,
      cost: prices === undefined ? 0 : Math.max(...models.map((model) => costOf(this.#priceOf(model), usage))),
    };
    this.#reserved.add(reserved);
    return () => {
      if (this.#reserved.delete(reserved)) this.#opened();
    };
  }

  /**
   * Lends a part of what is left to an agent that is called elsewhere (B3).
   *
   * @param share Of 1; of calls at least one is lent while there is one.
   */
  lend(share: number): Loan {
    const spent = this.spent();
    const lent: { [LIMIT in BudgetLimit]?: number } = {};
    for (const limit of LENT) {
      const allowed = this.allowed(limit);
      if (allowed === undefined) continue;
      const left = Math.max(0, allowed - (spent[limit] ?? 0) - this.#reservedOf(limit));
      const part = limit === "cost" ? money(left * share) : Math.floor(left * share);
      lent[limit] = limit === "steps" ? Math.max(part, Math.min(1, left)) : part;
    }
    const { prices, maxOutputTokensPerCall, atLimit } = this.budget;
    const { startedMs } = this;
    // Where people are asked for more time nobody knows yet when it ends.
    const durationMs = atLimit === "ask" ? undefined : this.allowed("durationMs");
    const isTimed = durationMs !== undefined && startedMs !== undefined;
    this.#lent.add(lent);
    return {
      bound: {
        what: this.what,
        limits: {
          ...lent,
          ...(isTimed ? { durationMs: Math.max(0, durationMs - (this.#before.durationMs ?? 0)) } : {}),
        },
        ...(prices === undefined || lent.cost === undefined ? {} : { prices }),
        ...(maxOutputTokensPerCall === undefined ? {} : { maxOutputTokensPerCall }),
        ...(isTimed ? { startedMs } : {}),
      },
      release: () => {
        if (this.#lent.delete(lent)) this.#opened();
      },
    };
  }

  /** Settles when one of the calls that are under way has ended. */
  released(scheduler: Scheduler): Awaitable<void> {
    this.#released ??= new Latch(scheduler);
    return this.#released;
  }

  /** Allows more. Of time it counts from now. */
  grant(limit: BudgetLimit, amount: number, nowMs?: number): void {
    const overdue = limit === "durationMs" ? (this.spent(nowMs).durationMs ?? 0) - (this.allowed(limit) ?? 0) : 0;
    this.#granted[limit] = money((this.#granted[limit] ?? 0) + amount + Math.max(0, overdue));
  }

  #opened(): void {
    this.#released?.open();
    this.#released = undefined;
  }

  #reservedOf(limit: BudgetLimit): number {
    const key = limit === "totalTokens" ? "outputTokens" : limit;
    if (key === "durationMs") return 0;
    const lent = this.#lentOf(limit);
    if (key === "inputTokens") return lent;
    return [...this.#reserved].reduce((sum, reserved) => sum + reserved[key], lent);
  }

  #lentOf(limit: BudgetLimit): number {
    return [...this.#lent].reduce((sum, lent) => sum + (lent[limit] ?? 0), 0);
  }

  /** Output tokens that what is left of `limit` allows a call. */
  #tokensFor(limit: BudgetLimit, left: number, models: readonly PricedModel[]): number {
    if (this.budget.maxOutputTokensPerCall === undefined) return Infinity;
    if (limit === "outputTokens" || limit === "totalTokens") return left;
    if (limit !== "cost") return Infinity;
    return Math.min(...models.map((model) => outputTokensFor(this.#priceOf(model), left)));
  }

  #priceOf(model: PricedModel): ModelPrice {
    const price = priceOf(this.budget.prices ?? {}, model);
    if (price !== undefined) return price;
    throw new DefinitionError(
      `Cannot count the money of ${this.what}: nobody has said what the model "${model.modelId}" of "${model.provider}" costs; add it to budget.prices, as "${model.modelId}" or "${model.provider}/${model.modelId}"`,
    );
  }
}
