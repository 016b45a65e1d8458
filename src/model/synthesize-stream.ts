/** Makes the caller's stream from a stored step: the same parts in the same order, live and on replay. */
import type { LanguageModelV4Content, LanguageModelV4StreamPart } from "@ai-sdk/provider";
import type { ModelStep } from "./model-step.ts";

/** The stream of a stored step. It needs no timer and no network. */
export function synthesizeStream(step: ModelStep): ReadableStream<LanguageModelV4StreamPart> {
  const parts = partsOf(step);
  return new ReadableStream({
    pull(controller) {
      const next = parts.next();
      if (next.done === true) controller.close();
      else controller.enqueue(next.value);
    },
  });
}

function* partsOf(step: ModelStep): Generator<LanguageModelV4StreamPart, void> {
  yield { type: "stream-start", warnings: step.warnings };
  yield { type: "response-metadata", ...step.response };
  for (const [index, content] of step.content.entries()) yield* contentParts(content, String(index));
  yield {
    type: "finish",
    finishReason: step.finishReason,
    usage: step.usage,
    ...(step.providerMetadata === undefined ? {} : { providerMetadata: step.providerMetadata }),
  };
}

/** The parts of one piece of content. */
export function* contentParts(content: LanguageModelV4Content, id: string): Generator<LanguageModelV4StreamPart, void> {
  const { providerMetadata } = content;
  const metadata = providerMetadata === undefined ? {} : { providerMetadata };
  switch (content.type) {
    case "text":
      yield { type: "text-start", id, ...metadata };
      if (content.text !== "") yield { type: "text-delta", id, delta: content.text };
      yield {
        type: "text-end",
        id,
        ...metadata,
        ...(content.citations === undefined ? {} : { citations: content.citations }),
      };
      return;
    case "reasoning":
      yield { type: "reasoning-start", id, ...metadata };
      if (content.text !== "") yield { type: "reasoning-delta", id, delta: content.text };
      yield { type: "reasoning-end", id, ...metadata };
      return;
    case "tool-call":
      yield* toolCallParts(content);
      return;
    case "custom":
    case "file":
    case "reasoning-file":
    case "source":
    case "tool-approval-request":
    case "tool-result":
      yield content;
  }
}

function* toolCallParts(
  call: Extract<LanguageModelV4Content, { type: "tool-call" }>,
): Generator<LanguageModelV4StreamPart, void> {
  const { toolCallId: id, toolName, input, providerExecuted, dynamic } = call;
  yield {
    type: "tool-input-start",
    id,
    toolName,
    ...(providerExecuted === undefined ? {} : { providerExecuted }),
    ...(dynamic === undefined ? {} : { dynamic }),
  };
  if (typeof input === "string" && input !== "") yield { type: "tool-input-delta", id, delta: input };
  yield { type: "tool-input-end", id };
  yield call;
}
