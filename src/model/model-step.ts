/** The stored form of a model step (G7): what replay and the next prompt need, and nothing else. */
import type { LanguageModelV4Content, LanguageModelV4GenerateResult } from "@ai-sdk/provider";
import { z } from "zod";
import { decodeValue, encodeValue } from "../journal/codec.ts";
import type { StepCodec } from "../journal/step-host.ts";

/** Version of the stored form. Older ones stay readable. */
const VERSION = 1;

/** A model's answer without request, response body and headers. Id, timestamp and model are always there. */
export interface ModelStep {
  readonly content: readonly LanguageModelV4Content[];
  readonly structuredOutputText?: string;
  readonly finishReason: LanguageModelV4GenerateResult["finishReason"];
  readonly usage: LanguageModelV4GenerateResult["usage"];
  readonly warnings: LanguageModelV4GenerateResult["warnings"];
  readonly providerMetadata?: NonNullable<LanguageModelV4GenerateResult["providerMetadata"]>;
  readonly response: { readonly id: string; readonly timestamp: Date; readonly modelId: string };
  /** How long the provider took, in milliseconds. */
  readonly ms: number;
}

const stored = z.looseObject({
  v: z.literal(VERSION, {
    error: (issue) =>
      `Cannot read a model step of version ${String(issue.input)}: it was written by a newer version of restate-edge-agents; deploy that version again`,
  }),
});

/** Writes and reads the stored form. */
export const modelStepCodec: StepCodec<ModelStep> = {
  encode: ({ content, structuredOutputText, finishReason, usage, warnings, providerMetadata, response, ms }) =>
    encodeValue({
      v: VERSION,
      content,
      structuredOutputText,
      finishReason,
      usage,
      warnings: warnings.length === 0 ? undefined : warnings,
      providerMetadata,
      response,
      ms,
    }),
  decode: (bytes) => {
    const parsed = stored.safeParse(decodeValue(bytes));
    if (!parsed.success) throw new Error(parsed.error.issues[0]?.message ?? "Cannot read a model step");
    const { v: _, ...step } = parsed.data;
    return { warnings: [], ...step } as unknown as ModelStep;
  },
};
