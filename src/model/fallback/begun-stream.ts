import type { LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { isOutput } from "../call-limits.ts";
import { streamError } from "../stream-error.ts";

type Parts = ReadableStream<LanguageModelV4StreamPart>;

/**
 * Reads a stream up to its first output, and gives all of it. Nobody has seen anything of one that fails before that, so
 * another model may answer; later failures are the stream's own.
 *
 * @throws whatever the stream says is wrong, and when it ends without an answer.
 */
export async function begunStream(stream: Parts): Promise<Parts> {
  const reader = stream.getReader();
  const begun: LanguageModelV4StreamPart[] = [];
  try {
    for (;;) {
      const { done, value: part } = await reader.read();
      if (done) throw new Error("The model's stream ended before its finish part");
      if (part.type === "error") throw streamError(part.error);
      begun.push(part);
      if (part.type === "finish" && isNoAnswer(part.finishReason.unified)) {
        throw new Error("The model's stream was empty");
      }
      if (part.type === "finish" || isOutput(part)) break;
    }
  } catch (error) {
    reader.cancel().catch(() => {});
    throw error;
  }
  return new ReadableStream({
    async pull(controller) {
      const next = begun.shift();
      if (next !== undefined) return controller.enqueue(next);
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

/** Reasons with which providers end a stream that broke. */
export function isNoAnswer(finishReason: string): boolean {
  return finishReason === "error" || finishReason === "other" || finishReason === "interrupted";
}
