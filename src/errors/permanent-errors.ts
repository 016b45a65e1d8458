import { readString } from "./read-error.ts";

/**
 * The AI SDK's errors that say: this call cannot be made as it is written; another try gives the same error. Told by
 * name: some of its classes, such as `UnsupportedModelVersionError`, have no `isInstance` of their own and inherit one
 * that is true for every error of the AI SDK.
 */
const PERMANENT: ReadonlySet<string> = new Set([
  "AI_InvalidArgumentError",
  "AI_InvalidDataContentError",
  "AI_InvalidMessageRoleError",
  "AI_InvalidPromptError",
  "AI_MessageConversionError",
  "AI_MissingToolResultsError",
  "AI_TooManyEmbeddingValuesForCallError",
]);

/** Those that say: this model, or the way to it, cannot do it. Another one may. */
const PERMANENT_OF_MODEL: ReadonlySet<string> = new Set([
  "AI_LoadAPIKeyError",
  "AI_LoadSettingError",
  "AI_NoSuchModelError",
  "AI_NoSuchProviderError",
  "AI_NoSuchProviderReferenceError",
  "AI_UnsupportedFunctionalityError",
  "AI_UnsupportedModelVersionError",
]);

/** True for errors of the AI SDK that no retry can cure. */
export function isPermanent(error: unknown): boolean {
  const name = readString(error, "name");
  return name !== undefined && (PERMANENT.has(name) || PERMANENT_OF_MODEL.has(name));
}

/** True for those of them that another model may not raise. */
export function isPermanentOfModel(error: unknown): boolean {
  const name = readString(error, "name");
  return name !== undefined && PERMANENT_OF_MODEL.has(name);
}
