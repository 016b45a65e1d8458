import { InvalidResponseDataError, type SpeechModelV4, type SpeechModelV4Result } from "@ai-sdk/provider";
import { customProvider, type SpeechModel } from "ai";
import type { DurableCallOptions } from "./call-options.ts";
import { checkCallOptions, journalCall, type JournaledModel } from "./journal-call.ts";
import { versionedForm } from "./versioned-form.ts";

/**
 * A speech model whose calls are journaled steps of the running handler, for `generateSpeech`. It may live at module level.
 * The audio is in the journal, or in a blob store with `blobs`. `streamSpeech` is not supported: a stream is no step.
 *
 * @example
 * ```ts
 * const { audio } = await generateSpeech({ model: durableSpeechModel(openai.speech("gpt-4o-mini-tts")), text: "Hello" });
 * ```
 *
 * @throws OutsideHandlerError when called outside of a handler.
 * @throws JournalTooLargeError when the audio does not fit into the journal: use `blobs`.
 * @throws DefinitionError when the options are not valid.
 */
export function durableSpeechModel(model: SpeechModel, options: DurableCallOptions = {}): SpeechModelV4 {
  checkCallOptions(options);
  const provider = customProvider({ speechModels: { model } }).speechModel("model");
  const journaled: JournaledModel<SpeechModelV4Result> = {
    kind: "speech",
    provider: provider.provider,
    modelId: provider.modelId,
    form: versionedForm("speech call"),
    options,
    attributes: ({ response }) => ({ "gen_ai.response.model": response.modelId }),
  };
  return {
    specificationVersion: "v4",
    provider: provider.provider,
    modelId: provider.modelId,
    doGenerate: (parameters) =>
      journalCall(journaled, parameters, async (bounded) => {
        const { request: _, response, ...result } = await provider.doGenerate(bounded);
        if (result.audio.length === 0) {
          throw new InvalidResponseDataError({ data: undefined, message: "The answer holds no audio" });
        }
        const { timestamp, modelId, headers } = response;
        return { ...result, response: { timestamp, modelId, ...mediaTypeOnly(headers) } };
      }),
  };
}

/** The one header that the AI SDK reads: it tells the audio's type where its bytes do not. */
function mediaTypeOnly(headers: SpeechModelV4Result["response"]["headers"]): {
  readonly headers?: Record<string, string>;
} {
  const type = Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === "content-type")?.[1];
  return type === undefined ? {} : { headers: { "content-type": type } };
}
