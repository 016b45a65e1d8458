import { EdgeAgentError, hasErrorCode } from "./edge-agent-error.ts";
import { boundText } from "./read-error.ts";

/** One model of a fallback model, and why it did not answer. */
export interface FailedModel {
  readonly provider: string;
  readonly modelId: string;
  /** HTTP status, `timeout`, or the name of the error. */
  readonly code: string;
  /** What was wrong, bounded. */
  readonly reason: string;
}

/** Every model of a fallback model has failed for good: retrying does not help. */
export class FallbackFailedError extends EdgeAgentError {
  override name = "FallbackFailedError";
  /** The models in the order in which they were tried. */
  readonly models: readonly FailedModel[];

  constructor(models: readonly FailedModel[]) {
    super({
      errorCode: "fallback-failed",
      message: describeFallback(models),
      fields: { models: models.map(({ provider, modelId, code, reason }) => ({ provider, modelId, code, reason })) },
    });
    this.models = models;
  }

  static override isInstance(error: unknown): error is FallbackFailedError {
    return hasErrorCode(error, "fallback-failed");
  }
}

/** `Model call failed: none of 2 models answered: openai.responses gpt-5.2 answered 401: …; …` */
export function describeFallback(models: readonly FailedModel[]): string {
  const reasons = models.map(({ reason }) => reason).join("; ");
  return boundText(`Model call failed: none of ${models.length} models answered: ${reasons}`);
}
