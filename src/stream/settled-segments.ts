/**
 * What the journal has of a turn, as the segments of its stream (stream-store.ts, L1). All of it follows from the journal
 * alone, so it says the same on each replay.
 */
import type { LanguageModelV4Content } from "@ai-sdk/provider";
import type { ToolSet, UIMessageChunk } from "ai";
import { isClientTool } from "../tools/client-tool.ts";
import { chunkDigest } from "./chunk-digest.ts";
import { parseToolInput, toolOf } from "./chunk-tools.ts";
import { orderedJson, plainJson } from "./plain-json.ts";
import type { ClientCallEvent, SettledEvent, ToolEvent } from "./run-sink.ts";
import { type ChunkOptions, storedChunks } from "./step-chunks.ts";
import { clientCallChunks, inputChunk, type PlainToolEvent, steeringChunk, toolChunk } from "./tool-chunks.ts";

/** What a whole segment says. */
export interface SegmentText {
  readonly chunks: readonly UIMessageChunk[];
  readonly digest: string;
}

/** What comes before a segment's step, and what the step begins with. */
export interface SegmentHead {
  readonly before: readonly UIMessageChunk[];
  readonly steering: readonly UIMessageChunk[];
}

type Content = readonly LanguageModelV4Content[];

/** How a turn's stream is made. */
export interface SegmentsInit extends ChunkOptions {
  /** The first chunk. */
  readonly start: UIMessageChunk;
}

/** The segments of a turn, as far as the journal has them. */
export class SettledSegments {
  readonly #init: SegmentsInit;
  readonly #closed: { readonly events: readonly ToolEvent[]; readonly content: Content }[] = [];
  readonly #texts = new Map<number, Promise<SegmentText>>();
  #events: ToolEvent[] = [];
  tools: ToolSet = {};

  constructor(init: SegmentsInit) {
    this.#init = init;
  }

  add(event: SettledEvent): void {
    if (event.type !== "model-step") {
      this.#events.push(event);
      return;
    }
    this.#closed.push({ events: this.#events, content: event.result.content });
    this.#events = [];
  }

  /** The number of the segment that the next model step belongs to. */
  get open(): number {
    return this.#closed.length + 1;
  }

  /** Segments of a turn that ends here, `closings` included: events that end what is open. */
  count(closings: readonly ToolEvent[]): number {
    const hasRest = this.#events.length + closings.length > 0 || this.#closed.length === 0;
    return hasRest ? this.open : this.open - 1;
  }

  /** Tool calls of the last step that have no end. */
  get dangling(): readonly { readonly toolCallId: string; readonly toolName: string }[] {
    const ended = new Set(this.#events.flatMap((event) => (ENDS.has(event.type) ? [idOf(event)] : [])));
    const content = this.#closed.at(-1)?.content ?? [];
    for (const part of content) if (part.type === "tool-result") ended.add(part.toolCallId);
    return content.flatMap((part) => (part.type === "tool-call" && !ended.has(part.toolCallId) ? [part] : []));
  }

  /** What a segment says; the open one as it is when the turn ends there with `closings`. */
  text(segment: number, closings: readonly ToolEvent[] = []): Promise<SegmentText> {
    if (segment > this.#closed.length) return this.#text(segment, [...this.#events, ...closings], undefined);
    const known = this.#texts.get(segment);
    if (known !== undefined) return known;
    const { events = [], content = [] } = this.#closed[segment - 1] ?? {};
    const made = this.#text(segment, events, content);
    this.#texts.set(segment, made);
    return made;
  }

  /** What the open segment says when `content` closes it. */
  openText(content: Content): Promise<SegmentText> {
    return this.#text(this.open, this.#events, content);
  }

  /** What the journal has of the open segment before its step. */
  openHead(): Promise<SegmentHead> {
    return this.#head(this.open, this.#events);
  }

  /** The chunks of an event of the open segment. */
  chunksOf(
    event: ClientCallEvent | PlainToolEvent,
    among: readonly ToolEvent[] = this.#events,
  ): readonly UIMessageChunk[] {
    if (event.type === "client-call") return clientCallChunks(event, this.tools);
    const chunk = toolChunk(event, this.#init);
    if (event.type !== "approval-request" || !this.#isClients(event.toolName)) return [chunk];
    // Whoever is asked sees the input; the client is told it again when the call waits for it.
    const input = among.find((one) => one.type === "tool-input" && one.toolCallId === event.toolCallId);
    return input?.type === "tool-input" ? [inputChunk(input, this.tools), chunk] : [chunk];
  }

  async #text(segment: number, events: readonly ToolEvent[], content: Content | undefined): Promise<SegmentText> {
    const { before, steering } = await this.#head(segment, events);
    const step = content === undefined ? [] : await storedChunks(content, this.#place(segment));
    const begin: readonly UIMessageChunk[] = content === undefined ? [] : [{ type: "start-step" }];
    const chunks = [...before, ...begin, ...steering, ...step];
    return { chunks, digest: chunkDigest(chunks) };
  }

  async #head(segment: number, events: readonly ToolEvent[]): Promise<SegmentHead> {
    const calls = this.#closed[segment - 2]?.content ?? [];
    const chunks: UIMessageChunk[] = segment === 1 ? [this.#init.start] : [];
    for (const event of events) {
      if (event.type === "tool-input") {
        // The client hears of its call when the turn waits for it.
        if (this.#isClients(event.toolName)) continue;
        if (await this.#isOther(event, calls)) chunks.push(inputChunk(event, this.tools));
      } else if (event.type !== "steering") {
        chunks.push(...this.chunksOf(event, events));
      }
    }
    const steering = events.flatMap((event) => (event.type === "steering" ? [steeringChunk(event)] : []));
    return { before: chunks, steering };
  }

  /** True when the tool got another input than the model has said. */
  async #isOther(event: Extract<ToolEvent, { type: "tool-input" }>, calls: Content): Promise<boolean> {
    const call = calls.find((part) => part.type === "tool-call" && part.toolCallId === event.toolCallId);
    if (call?.type !== "tool-call") return false;
    const { input, error } = await parseToolInput(this.tools, call);
    return error !== undefined || orderedJson(plainJson(input)) !== orderedJson(plainJson(event.input));
  }

  #isClients(toolName: string): boolean {
    return isClientTool(toolOf(this.tools, toolName));
  }

  #place(segment: number) {
    return { ...this.#init, segment, tools: this.tools };
  }
}

const ENDS: ReadonlySet<string> = new Set(["tool-result", "tool-error", "tool-denied"]);

function idOf(event: ToolEvent): string | undefined {
  return event.type === "steering" ? undefined : event.toolCallId;
}
