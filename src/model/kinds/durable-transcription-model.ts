import type { TranscriptionModelV4, TranscriptionModelV4Result } from "@ai-sdk/provider";
import { customProvider, transcribe, type TranscriptionModel } from "ai";
import type { DurableCallOptions } from "./call-options.ts";
import { checkCallOptions, journalCall, type JournaledModel } from "./journal-call.ts";
import { versionedForm } from "./versioned-form.ts";

/**
 * A transcription model whose calls are journaled steps of the running handler, for `transcribe`. It may live at module
 * level. The audio is not stored: after a crash before the step's end it is sent again. Audio behind a URL is fetched
 * inside the step, by the provider or here. `streamTranscribe` is not supported: a stream is no step.
 *
 * @example
 * ```ts
 * const model = durableTranscriptionModel(openai.transcription("gpt-4o-transcribe"));
 * const { text } = await transcribe({ model, audio: new URL("https://example.com/call.mp3") });
 * ```
 *
 * @throws OutsideHandlerError when called outside of a handler.
 * @throws DefinitionError when the options are not valid.
 */
export function durableTranscriptionModel(
  model: TranscriptionModel,
  options: DurableCallOptions = {},
): TranscriptionModelV4 {
  checkCallOptions(options);
  const provider = customProvider({ transcriptionModels: { model } }).transcriptionModel("model");
  const journaled: JournaledModel<TranscriptionModelV4Result> = {
    kind: "transcribe",
    provider: provider.provider,
    modelId: provider.modelId,
    form: versionedForm("transcription"),
    options,
    attributes: ({ response }) => ({ "gen_ai.response.model": response.modelId }),
  };
  return {
    specificationVersion: "v4",
    provider: provider.provider,
    modelId: provider.modelId,
    doGenerate: (parameters) =>
      journalCall(journaled, parameters, async (bounded) => withoutBodies(await provider.doGenerate(bounded))),
    doGenerateFromUrl: (parameters) =>
      journalCall(journaled, parameters, async (bounded) => {
        const native = await provider.doGenerateFromUrl?.(bounded);
        return withoutBodies(native ?? (await downloadAndTranscribe(provider, bounded)));
      }),
  };
}

type FromUrl = Parameters<NonNullable<TranscriptionModelV4["doGenerateFromUrl"]>>[0];

/** As the AI SDK does it, which finds out the audio's type; but here, inside the step. */
async function downloadAndTranscribe(
  provider: TranscriptionModelV4,
  { audio, ...parameters }: FromUrl,
): Promise<TranscriptionModelV4Result> {
  const answer = Promise.withResolvers<TranscriptionModelV4Result>();
  const downloaded: TranscriptionModelV4 = {
    specificationVersion: "v4",
    provider: provider.provider,
    modelId: provider.modelId,
    doGenerate: async ({ audio: bytes, mediaType }) => {
      const result = await provider.doGenerate({ ...parameters, audio: bytes, mediaType });
      answer.resolve(result);
      return { ...result, warnings: [] }; // They are logged by the caller.
    },
  };
  const { abortSignal } = parameters;
  const all = transcribe({
    model: downloaded,
    audio,
    maxRetries: 0,
    ...(abortSignal === undefined ? {} : { abortSignal }),
  });
  all.catch(answer.reject);
  return await answer.promise;
}

function withoutBodies(answer: TranscriptionModelV4Result): TranscriptionModelV4Result {
  const { request: _, response, ...result } = answer;
  const { timestamp, modelId } = response;
  return { ...result, response: { timestamp, modelId } };
}
