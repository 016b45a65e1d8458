import type { LanguageModelV4StreamPart } from "@ai-sdk/provider";

/**
 * A live event of a model step.
 *
 * - `reset` begins every attempt: drop what came before of this step. An earlier attempt may have died half-way.
 * - `part` is one part of the provider's stream, as it arrived.
 * - `end` says that the answer is complete; the step is about to be stored.
 */
export type StreamEvent =
  | { readonly type: "reset"; readonly step: string }
  | { readonly type: "part"; readonly step: string; readonly part: LanguageModelV4StreamPart }
  | { readonly type: "end"; readonly step: string };
