/**
 * One model step as chunks of the AI SDK's UI message stream: from the provider's parts while they come, or from the
 * stored step. Both ways give a reader the same message; only the stored step says it in fewer chunks.
 *
 * Blocks of text and reasoning are numbered as they begin: providers' own ids are not stored.
 */
import type { LanguageModelV4Content, LanguageModelV4StreamPart } from "@ai-sdk/provider";
import type { ToolSet, UIMessageChunk } from "ai";
import { contentParts } from "../model/synthesize-stream.ts";
import { toBase64 } from "../journal/base64.ts";
import { isClientTool } from "../tools/client-tool.ts";
import { type ErrorText, MASKED, parseToolInput, toolErrorText, toolFields, toolOf } from "./chunk-tools.ts";
import { plainJson } from "./plain-json.ts";

/** What readers are shown. */
export interface ChunkOptions {
  /** Default true. */
  readonly sendReasoning?: boolean | undefined;
  /** Default true. */
  readonly sendSources?: boolean | undefined;
  /**
   * What readers are told of an error, instead of the default: that one occurred. With it, failures of tools are told
   * by it too; without it readers are told what the model is told.
   */
  readonly onError?: ErrorText | undefined;
}

/** Where a step belongs. */
export interface StepPlace extends ChunkOptions {
  /** The number of its segment: part of its blocks' ids. */
  readonly segment: number;
  readonly tools: ToolSet;
}

type Part<TYPE extends LanguageModelV4StreamPart["type"]> = Extract<LanguageModelV4StreamPart, { type: TYPE }>;
type BlockPart = Part<`${"text" | "reasoning"}-${"start" | "delta" | "end"}`>;
/** What the beginning of an input says about its call. */
interface InputStart {
  readonly toolName: string;
  readonly dynamic?: boolean | undefined;
  readonly providerExecuted?: boolean | undefined;
  readonly inputEncoding?: "json" | "text" | undefined;
}

/** A model step that comes part by part. */
export class StepChunks {
  readonly #place: StepPlace;
  /** Ids of open blocks, by type and the provider's id. */
  readonly #open = new Map<string, { readonly type: "text" | "reasoning"; readonly id: string }>();
  readonly #inputs = new Set<string>();
  #blocks = 0;

  constructor(place: StepPlace) {
    this.#place = place;
  }

  /** The chunks of the next part. */
  async part(part: LanguageModelV4StreamPart): Promise<readonly UIMessageChunk[]> {
    switch (part.type) {
      case "text-start":
      case "text-delta":
      case "text-end":
      case "reasoning-start":
      case "reasoning-delta":
      case "reasoning-end":
        return this.#block(part);
      case "tool-input-start":
        return [this.#inputStart(part.id, part)];
      case "tool-input-delta":
        if (!this.#inputs.has(part.id)) return [];
        return [{ type: "tool-input-delta", toolCallId: part.id, inputTextDelta: part.delta }];
      case "tool-call":
        return this.#toolCall(part);
      case "tool-result":
        return [this.#toolResult(part)];
      default:
        return this.#whole(part);
    }
  }

  /** The chunks that close what is open. */
  end(): readonly UIMessageChunk[] {
    const ends = [...this.#open.values()].map(({ type, id }): UIMessageChunk => ({ type: `${type}-end`, id }));
    this.#open.clear();
    return [...ends, { type: "finish-step" }];
  }

  #block(part: BlockPart): readonly UIMessageChunk[] {
    const kind = part.type.startsWith("text") ? "text" : "reasoning";
    if (kind === "reasoning" && this.#place.sendReasoning === false) return [];
    const key = `${kind} ${part.id}`;
    if (part.type === "text-start" || part.type === "reasoning-start") {
      this.#blocks += 1;
      this.#open.set(key, { type: kind, id: `${this.#place.segment}.${this.#blocks}` });
    }
    const id = this.#open.get(key)?.id;
    if (id === undefined) return []; // The provider goes on with a block that it never began: the step will fail.
    if ("delta" in part && part.delta === "" && part.providerMetadata === undefined) return [];
    if (part.type === "text-end" || part.type === "reasoning-end") this.#open.delete(key);
    return [plainChunk({ ...part, id })];
  }

  /** Without metadata: what the stored step has is that of the call. */
  #inputStart(toolCallId: string, { toolName, dynamic, providerExecuted, inputEncoding }: InputStart): UIMessageChunk {
    this.#inputs.add(toolCallId);
    const fields = toolFields(this.#place.tools, toolName, dynamic);
    return plainChunk({ type: "tool-input-start", toolCallId, toolName, inputEncoding, providerExecuted, ...fields });
  }

  async #toolCall(call: Part<"tool-call">): Promise<readonly UIMessageChunk[]> {
    const { tools, onError } = this.#place;
    const { toolCallId, toolName, dynamic, providerExecuted, providerMetadata } = call;
    const { input, error } = await parseToolInput(tools, call);
    const common = { toolCallId, toolName, input: plainJson(input), providerExecuted, providerMetadata };
    if (error === undefined && isClientTool(toolOf(tools, toolName))) {
      // The client would execute it: it is told the input when the step is durable, and the turn waits for it (G4).
      return this.#inputs.has(toolCallId) ? [] : [this.#inputStart(toolCallId, call)];
    }
    if (error === undefined) {
      return [plainChunk({ type: "tool-input-available", ...common, ...toolFields(tools, toolName, dynamic) })];
    }
    // A reader takes the kind of a call that has begun from its beginning, so it has to have one.
    const start = this.#inputs.has(toolCallId) ? [] : [this.#inputStart(toolCallId, call)];
    const errorText = toolErrorText(error, providerExecuted === true ? (onError ?? (() => MASKED)) : onError);
    const fields = toolFields(tools, toolName, true);
    return [...start, plainChunk({ type: "tool-input-error", ...common, ...fields, dynamic: true, errorText })];
  }

  /** Of a tool that the provider runs itself. */
  #toolResult(result: Part<"tool-result">): UIMessageChunk {
    const { toolCallId, toolName, isError, dynamic, providerMetadata } = result;
    const { title: _, ...fields } = toolFields(this.#place.tools, toolName, dynamic);
    const common = { toolCallId, providerExecuted: true, ...fields, providerMetadata };
    const output = plainJson(result.result);
    if (isError !== true) return plainChunk({ type: "tool-output-available", ...common, output });
    const errorText = typeof output === "string" ? output : JSON.stringify(output);
    return plainChunk({ type: "tool-output-error", ...common, errorText });
  }

  #whole(part: LanguageModelV4StreamPart): readonly UIMessageChunk[] {
    const { sendReasoning = true, sendSources = true } = this.#place;
    switch (part.type) {
      case "custom":
        return [plainChunk({ type: "custom", kind: part.kind, providerMetadata: part.providerMetadata })];
      case "tool-approval-request":
        return [{ type: "tool-approval-request", approvalId: part.approvalId, toolCallId: part.toolCallId }];
      case "file":
      case "reasoning-file": {
        if (part.type === "reasoning-file" && !sendReasoning) return [];
        const { type, mediaType, providerMetadata } = part;
        return [plainChunk({ type, mediaType, url: urlOf(part), providerMetadata })];
      }
      case "source":
        return sendSources ? [sourceChunk(part)] : [];
      default:
        return [];
    }
  }
}

/** A stored step's content as chunks, its end included. */
export async function storedChunks(
  content: readonly LanguageModelV4Content[],
  place: StepPlace,
): Promise<readonly UIMessageChunk[]> {
  const step = new StepChunks(place);
  const chunks: UIMessageChunk[] = [];
  for (const [index, stored] of content.entries()) {
    for (const part of contentParts(stored, String(index))) {
      if (!part.type.startsWith("tool-input-")) chunks.push(...(await step.part(part)));
    }
  }
  return [...chunks, ...step.end()];
}

function sourceChunk(part: Part<"source">): UIMessageChunk {
  const { id: sourceId, title, providerMetadata } = part;
  if (part.sourceType === "url")
    return plainChunk({ type: "source-url", sourceId, url: part.url, title, providerMetadata });
  const { mediaType, filename } = part;
  return plainChunk({ type: "source-document", sourceId, mediaType, title: part.title, filename, providerMetadata });
}

function urlOf({ data, mediaType }: Part<"file"> | Part<"reasoning-file">): string {
  if (data.type === "url") return data.url.toString();
  return `data:${mediaType};base64,${typeof data.data === "string" ? data.data : toBase64(data.data)}`;
}

/** A chunk whose fields may be undefined. */
type LooseChunk = Loose<UIMessageChunk>;
type Loose<CHUNK> = CHUNK extends unknown ? { readonly [NAME in keyof CHUNK]: CHUNK[NAME] | undefined } : never;

/** Chunks travel as JSON: what JSON drops must not be there now and gone then. */
export function plainChunk(chunk: LooseChunk): UIMessageChunk {
  return plainJson(chunk) as UIMessageChunk;
}
