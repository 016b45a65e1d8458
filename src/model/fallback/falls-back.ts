import { isTransientStatus, unwrapped } from "../../errors/classify.ts";
import { FallbackFailedError } from "../../errors/fallback-failed-error.ts";
import { isPermanentOfModel } from "../../errors/permanent-errors.ts";
import { providerFailure } from "../../errors/provider-failure.ts";
import { TerminalError } from "../../restate.ts";

/** The provider is out of reach, money or permission, or no longer has the model: nothing is wrong with the request. */
const OF_PROVIDER: ReadonlySet<number> = new Set([401, 402, 403, 404]);

/**
 * Whether another model may answer where this one failed:
 *
 * | failure | next model |
 * |---|---|
 * | no connection, a time limit, an answer that is cut or malformed, anything unknown | yes |
 * | status 408, 409, 425, 429, 5xx, or marked `isRetryable` | yes |
 * | 401, 402, 403, 404; no API key, no such model, what this model does not support | yes |
 * | any other 4xx: 400, 413, 422 … | no: the request is wrong |
 * | an invalid prompt, argument or file | no |
 * | a file that cannot be had, a `TerminalError` | no |
 * | a fallback model within this one, all of whose models have failed | yes |
 *
 * @param judged What `classifyFailure` makes of `error`.
 */
export function fallsBack(error: unknown, judged: Error): boolean {
  const actual = unwrapped(error);
  const failure = providerFailure(actual);
  if (failure !== undefined) {
    const { statusCode: status, isRetryable } = failure;
    return status === undefined || isRetryable || isTransientStatus(status) || OF_PROVIDER.has(status);
  }
  return isPermanentOfModel(actual) || FallbackFailedError.isInstance(judged) || !(judged instanceof TerminalError);
}
