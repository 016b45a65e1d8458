/**
 * A whole assistant message as the chunks that make it, for readers whose stream has been lost: the message is in the
 * history all the same.
 */
import { type DynamicToolUIPart, isToolUIPart, type ToolUIPart, type UIMessage, type UIMessageChunk } from "ai";

type Part = UIMessage["parts"][number];
type ToolPart = ToolUIPart | DynamicToolUIPart;

/**
 * The chunks of `message`.
 *
 * @param stepsKnown How many steps a reader has begun. What it has of the last one is dropped and comes again; those
 * before it are whole (a store has a step only when it has those before). 0: it has nothing.
 */
export function* chunksOf(message: UIMessage, stepsKnown = 0): Generator<UIMessageChunk, void> {
  const { id, metadata, parts } = message;
  if (stepsKnown === 0) yield { type: "start", messageId: id, ...(isGiven(metadata) && { messageMetadata: metadata }) };
  else yield { type: "reset-step" };
  let step = 0;
  for (const [index, part] of parts.entries()) {
    if (part.type === "step-start") {
      if (step >= stepsKnown && step > 0) yield { type: "finish-step" };
      step += 1;
      if (step > stepsKnown) yield { type: "start-step" };
    } else if (step >= stepsKnown) yield* chunksOfPart(part, String(index));
  }
  if (step > 0) yield { type: "finish-step" };
  if (stepsKnown > 0 && isGiven(metadata)) yield { type: "message-metadata", messageMetadata: metadata };
}

function* chunksOfPart(part: Part, id: string): Generator<UIMessageChunk, void> {
  if (isToolUIPart(part)) {
    yield* chunksOfTool(part);
    return;
  }
  switch (part.type) {
    case "text": {
      const { text, citations, providerMetadata } = part;
      const metadata = providerMetadata && { providerMetadata };
      yield { type: "text-start", id, ...metadata };
      if (text !== "") yield { type: "text-delta", id, delta: text };
      yield { type: "text-end", id, ...(citations && { citations }) };
      return;
    }
    case "reasoning": {
      const { id: reasoningId = id, text, providerMetadata } = part;
      yield { type: "reasoning-start", id: reasoningId, ...(providerMetadata && { providerMetadata }) };
      if (text !== "") yield { type: "reasoning-delta", id: reasoningId, delta: text };
      yield { type: "reasoning-end", id: reasoningId };
      return;
    }
    case "step-start":
      return;
    default:
      // Files, sources, data and the rest are their own chunks.
      yield part;
  }
}

function* chunksOfTool(part: ToolPart): Generator<UIMessageChunk, void> {
  const { toolCallId, providerExecuted, title, toolMetadata, callProviderMetadata, input } = part;
  const isDynamic = part.type === "dynamic-tool";
  const toolName = part.type === "dynamic-tool" ? part.toolName : part.type.slice("tool-".length);
  const call = {
    toolCallId,
    toolName,
    ...(isDynamic && { dynamic: true }),
    ...(providerExecuted !== undefined && { providerExecuted }),
    ...(title !== undefined && { title }),
    ...(toolMetadata !== undefined && { toolMetadata }),
  };
  if (part.state === "input-streaming") {
    const { rawInput, inputEncoding } = part;
    yield { type: "tool-input-start", ...call, ...(inputEncoding && { inputEncoding }) };
    if (rawInput) yield { type: "tool-input-delta", toolCallId, inputTextDelta: rawInput };
    return;
  }
  const metadata = callProviderMetadata && { providerMetadata: callProviderMetadata };
  yield { type: "tool-input-available", ...call, input, ...metadata };
  yield* chunksOfApproval(part);
  switch (part.state) {
    case "output-available": {
      const { output, preliminary, resultProviderMetadata: result } = part;
      const extras = { ...(preliminary !== undefined && { preliminary }), ...(result && { providerMetadata: result }) };
      yield { type: "tool-output-available", toolCallId, output, ...extras };
      return;
    }
    case "output-error": {
      const { errorText, resultProviderMetadata: result } = part;
      yield { type: "tool-output-error", toolCallId, errorText, ...(result && { providerMetadata: result }) };
      return;
    }
    case "output-denied":
      yield { type: "tool-output-denied", toolCallId };
      return;
    default:
  }
}

function* chunksOfApproval({ toolCallId, approval }: ToolPart): Generator<UIMessageChunk, void> {
  if (approval === undefined) return;
  const { id: approvalId, approved, descriptor, requestReason, reason, isAutomatic, signature } = approval;
  yield {
    type: "tool-approval-request",
    approvalId,
    toolCallId,
    ...(isGiven(descriptor) && { approvalDescriptor: descriptor }),
    ...("inputSchemaInput" in approval && { inputSchemaInput: approval.inputSchemaInput }),
    ...(requestReason !== undefined && { reason: requestReason }),
    ...(isAutomatic === true && { isAutomatic }),
    ...(signature !== undefined && { signature }),
  };
  if (approved === undefined) return;
  yield { type: "tool-approval-response", approvalId, approved, ...(reason !== undefined && { reason }) };
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}
