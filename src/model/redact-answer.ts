/**
 * Redaction of what models answer, inside the step, before anybody else sees it.
 *
 * - D1 Of a stream, the text of a block is held back to the block's end: who watches must not see what the result hides.
 *   Parts that have no text pass at once.
 * - D2 A tool call's input is redacted in its whole; its deltas, which nobody needs, are left out.
 * - D3 What a provider knows of its own answer stays: an answer that is referred to by an id, as OpenAI does unless
 *   `store: false`, is what it was for the next call.
 */
import type { LanguageModelV4CallOptions, LanguageModelV4Content, LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { type Redact, redacted, redactedJson, redactedText } from "../encryption/redact.ts";

type Start = Extract<LanguageModelV4StreamPart, { type: "text-start" | "reasoning-start" }>;

/** The content with its texts redacted. Files and what a provider adds about a part stay. */
export function redactedContent<T extends LanguageModelV4Content>(part: T, redact: Redact): T {
  switch (part.type) {
    case "text":
    case "reasoning":
      return { ...part, text: redactedText(part.text, redact, { kind: "model" }) };
    case "tool-call":
      return { ...part, input: redactedJson(part.input, redact, { kind: "tool-input", toolName: part.toolName }) };
    case "tool-result": {
      const result = redacted(part.result, redact, { kind: "tool-output", toolName: part.toolName });
      return { ...part, result: result as typeof part.result };
    }
    default:
      return part;
  }
}

/** The parameters of a call as traces may have them. */
export function redactedParameters(
  parameters: LanguageModelV4CallOptions,
  redact: Redact | undefined,
): LanguageModelV4CallOptions {
  if (redact === undefined) return parameters;
  const prompt = redacted(parameters.prompt, redact, { kind: "trace" }) as LanguageModelV4CallOptions["prompt"];
  return {
    ...parameters,
    prompt: prompt.map((message, n) => ({ ...message, role: parameters.prompt[n]?.role }) as typeof message),
  };
}

/** Redacts the parts of one stream. */
export class RedactedParts {
  readonly #redact: Redact;
  readonly #open = new Map<string, { readonly start: Start; text: string }>();

  constructor(redact: Redact) {
    this.#redact = redact;
  }

  /** What may be seen now that this part has come. */
  see(part: LanguageModelV4StreamPart): readonly LanguageModelV4StreamPart[] {
    switch (part.type) {
      case "text-start":
      case "reasoning-start":
        this.#open.set(part.id, { start: part, text: "" });
        return [part];
      case "text-delta":
      case "reasoning-delta": {
        const block = this.#open.get(part.id);
        if (block !== undefined) block.text += part.delta;
        return [];
      }
      case "text-end":
      case "reasoning-end":
        return [...this.#close(part.id), part];
      case "tool-input-delta":
      case "raw":
        return [];
      case "tool-call":
      case "tool-result":
        return [redactedContent(part, this.#redact)];
      default:
        return [part];
    }
  }

  /** What was held back of an answer that ends where it is. */
  rest(): readonly LanguageModelV4StreamPart[] {
    return [...this.#open.keys()].flatMap((id) => this.#close(id));
  }

  #close(id: string): LanguageModelV4StreamPart[] {
    const block = this.#open.get(id);
    this.#open.delete(id);
    if (block === undefined || block.text === "") return [];
    const delta = redactedText(block.text, this.#redact, { kind: "model" });
    if (delta === "") return [];
    return [
      block.start.type === "text-start" ? { type: "text-delta", id, delta } : { type: "reasoning-delta", id, delta },
    ];
  }
}
