/**
 * What a run has used: its own model steps and those of the agents that it called, here or elsewhere.
 *
 * - L1 Journal order. It grows only when a journaled answer is handed over, so whoever reads it between steps decides
 *   alike on replay (G2).
 * - L2 Once. A model step is added where it was made and to every run around it; what another invocation reports, where its
 *   answer arrives. Nothing is added in two places of one ledger.
 */
import type { LanguageModelV4Usage } from "@ai-sdk/provider";
import type { LanguageModelUsage } from "ai";
import { addUsage, NO_USAGE } from "./usage.ts";

/** What one model was used for. */
export interface ModelUsage {
  readonly provider: string;
  readonly modelId: string;
  /** How often it was called. */
  readonly steps: number;
  readonly usage: LanguageModelUsage;
}

/** The usage of a run and of what it called. */
export class UsageLedger {
  readonly #parent: UsageLedger | undefined;
  readonly #models = new Map<string, ModelUsage>();
  #own: LanguageModelUsage = NO_USAGE;
  #others: LanguageModelUsage | undefined;
  #earlier: LanguageModelUsage | undefined;

  /** @param parent Gets all that this one gets. */
  constructor(parent?: UsageLedger) {
    this.#parent = parent;
  }

  /** Adds a model step of the run itself. */
  addStep(model: { readonly provider: string; readonly modelId: string }, usage: LanguageModelV4Usage): void {
    const used = usageOf(usage);
    const { provider, modelId } = model;
    this.#own = addUsage(this.#own, used);
    const entry = { provider, modelId, steps: 1, usage: used };
    this.#count(entry);
    this.#parent?.add([entry]);
  }

  /** Adds what the segments before this one have used (continue-as-new.ts). */
  addEarlier(models: readonly ModelUsage[]): void {
    for (const entry of models) {
      this.#earlier = addUsage(this.#earlier ?? NO_USAGE, entry.usage);
      this.#count(entry);
    }
    this.#parent?.add(models);
  }

  /** Adds what an agent that the run has called has used. */
  add(models: readonly ModelUsage[]): void {
    for (const entry of models) {
      this.#others = addUsage(this.#others ?? NO_USAGE, entry.usage);
      this.#count(entry);
    }
    this.#parent?.add(models);
  }

  /** All of it. */
  get total(): LanguageModelUsage {
    return [this.#others, this.#earlier].reduce<LanguageModelUsage>(
      (sum, part) => (part === undefined ? sum : addUsage(sum, part)),
      this.#own,
    );
  }

  /** What the run's result says of it: without earlier segments. Undefined: that is what the run used itself. */
  get answer(): LanguageModelUsage | undefined {
    return this.#others === undefined ? undefined : addUsage(this.#own, this.#others);
  }

  /** Model calls, all of them. */
  get steps(): number {
    return this.models.reduce((sum, { steps }) => sum + steps, 0);
  }

  /** All of it by model, in the order in which they were first used. */
  get models(): readonly ModelUsage[] {
    return [...this.#models.values()];
  }

  #count(entry: ModelUsage): void {
    const key = JSON.stringify([entry.provider, entry.modelId]);
    const known = this.#models.get(key);
    if (known === undefined) return void this.#models.set(key, entry);
    const usage = addUsage(known.usage, entry.usage);
    this.#models.set(key, { ...known, steps: known.steps + entry.steps, usage });
  }
}

/** As the AI SDK shows a model's usage, without what the provider said in its own words. */
function usageOf({ inputTokens, outputTokens }: LanguageModelV4Usage): LanguageModelUsage {
  const input = counted(inputTokens?.total);
  const output = counted(outputTokens?.total);
  return {
    inputTokens: input,
    inputTokenDetails: {
      noCacheTokens: counted(inputTokens?.noCache),
      cacheReadTokens: counted(inputTokens?.cacheRead),
      cacheWriteTokens: counted(inputTokens?.cacheWrite),
    },
    outputTokens: output,
    outputTokenDetails: {
      textTokens: counted(outputTokens?.text),
      reasoningTokens: counted(outputTokens?.reasoning),
    },
    totalTokens: input === undefined && output === undefined ? undefined : (input ?? 0) + (output ?? 0),
  };
}

/** What is no count is not known. NaN, once in a sum, stays there, and no bound of a budget would be reached any more. */
function counted(tokens: number | undefined): number | undefined {
  return tokens !== undefined && Number.isFinite(tokens) && tokens >= 0 ? tokens : undefined;
}

/** `event`, a result or what a callback is told at the end, with the usage of the run and of what it called. */
export function withUsage<E>(event: E, ledger: UsageLedger): E {
  const { answer } = ledger;
  if (answer === undefined || typeof event !== "object" || event === null || !("totalUsage" in event)) return event;
  const own = { value: answer, enumerable: true, configurable: true };
  return Object.defineProperties(event, { totalUsage: own, ...("usage" in event ? { usage: own } : {}) });
}
