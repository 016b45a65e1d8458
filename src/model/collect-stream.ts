/** Reads a provider's stream to its end and puts together what `doGenerate` would have answered. */
import type {
  LanguageModelV4Content,
  LanguageModelV4ResponseMetadata,
  LanguageModelV4StreamPart,
  LanguageModelV4Text,
  SharedV4ProviderMetadata,
} from "@ai-sdk/provider";
import { definedFields } from "../errors/error-fields.ts";
import type { ModelStep } from "./model-step.ts";
import { streamError } from "./stream-error.ts";

type Part<TYPE extends LanguageModelV4StreamPart["type"]> = Extract<LanguageModelV4StreamPart, { type: TYPE }>;
type Finish = Part<"finish">;
type Block = {
  type: "text" | "reasoning";
  text: string;
  providerMetadata?: SharedV4ProviderMetadata;
  citations?: LanguageModelV4Text["citations"];
};

/** What a stream brought. */
export interface Collected extends Pick<ModelStep, "content" | "finishReason" | "usage" | "warnings"> {
  readonly providerMetadata: SharedV4ProviderMetadata | undefined;
  readonly response: LanguageModelV4ResponseMetadata;
}

const UNKNOWN_USAGE: Collected["usage"] = {
  inputTokens: { total: undefined, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: undefined, text: undefined, reasoning: undefined },
};

/** True when the app is to run tools before the model goes on. */
export function asksForTools(content: Collected["content"]): boolean {
  return content.some((part) => part.type === "tool-call" && part.providerExecuted !== true);
}

/** Collects the parts of one stream. Blocks keep the order in which they began, also when they are interleaved. */
export class StreamCollector {
  readonly #content: LanguageModelV4Content[] = [];
  readonly #blocks = new Map<string, Block>();
  #warnings: ModelStep["warnings"] = [];
  #response: LanguageModelV4ResponseMetadata = {};
  #finish: Finish | undefined;

  add(part: LanguageModelV4StreamPart): void {
    switch (part.type) {
      case "stream-start":
        this.#warnings = [...this.#warnings, ...part.warnings];
        return;
      case "response-metadata": {
        const { type: _, ...metadata } = part;
        this.#response = { ...this.#response, ...definedFields(metadata) };
        return;
      }
      case "text-start":
      case "reasoning-start":
        this.#open(part);
        return;
      case "text-delta":
      case "reasoning-delta":
      case "text-end":
      case "reasoning-end":
        this.#extend(part);
        return;
      case "finish":
        this.#finish = part;
        return;
      case "error":
        throw streamError(part.error);
      case "tool-input-start":
      case "tool-input-delta":
      case "tool-input-end":
      case "ping":
      case "raw":
        return; // Live only: the tool-call part that follows holds the whole input.
      case "tool-result":
        if (part.preliminary !== true) this.#content.push(part); // The final result replaces the preliminary ones.
        return;
      case "tool-approval-request":
      case "tool-call":
      case "custom":
      case "file":
      case "reasoning-file":
      case "source":
        this.#content.push(part);
    }
  }

  /** @throws Error when the stream broke off: the step is retried. */
  result(): Collected {
    if (this.#finish === undefined) throw new Error("The model's stream ended before its finish part");
    const { finishReason, usage, providerMetadata } = this.#finish;
    // Providers end a stream so when the connection was cut: half an answer must not become the step's result.
    if (finishReason.unified === "interrupted") throw new Error("The model's stream was cut off");
    if (this.#content.length === 0 && (finishReason.unified === "other" || finishReason.unified === "error")) {
      throw new Error("The model's stream was empty");
    }
    return {
      content: this.#content,
      finishReason,
      usage,
      warnings: this.#warnings,
      providerMetadata,
      response: this.#response,
    };
  }

  /**
   * What has come of a stream that is ended where it is: text, reasoning, and what the provider's own tools have
   * answered. Calls without an answer are left out, because none will come. So is metadata of text and reasoning:
   * providers find their own half-finished items by it, and refuse them.
   */
  interrupted(): Collected {
    const answered = new Set(this.#content.flatMap((part) => (part.type === "tool-result" ? [part.toolCallId] : [])));
    const content = this.#content.filter(
      (part) => part.type !== "tool-approval-request" && (part.type !== "tool-call" || answered.has(part.toolCallId)),
    );
    return {
      content: content.map((part) => {
        if (part.type !== "text" && part.type !== "reasoning") return part;
        const { providerMetadata: _, ...rest } = part;
        return rest;
      }),
      finishReason: { unified: "interrupted", raw: undefined },
      usage: this.#finish?.usage ?? UNKNOWN_USAGE,
      warnings: this.#warnings,
      providerMetadata: undefined,
      response: this.#response,
    };
  }

  #open(part: Part<"text-start"> | Part<"reasoning-start">): void {
    const block: Block = {
      type: part.type === "text-start" ? "text" : "reasoning",
      text: "",
      ...(part.providerMetadata === undefined ? {} : { providerMetadata: part.providerMetadata }),
    };
    this.#blocks.set(`${block.type} ${part.id}`, block);
    this.#content.push(block as LanguageModelV4Content);
  }

  #extend(part: Part<"text-delta"> | Part<"reasoning-delta"> | Part<"text-end"> | Part<"reasoning-end">): void {
    const block = this.#blocks.get(`${part.type.split("-")[0]} ${part.id}`);
    if (block === undefined) throw new Error(`The model's stream continues block "${part.id}" that it never began`);
    if ("delta" in part) block.text += part.delta;
    if ("citations" in part && part.citations !== undefined) block.citations = part.citations;
    if (part.providerMetadata !== undefined) block.providerMetadata = part.providerMetadata;
  }
}
