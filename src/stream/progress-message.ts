/** What an agent has said and done so far, as one message: for those who watch it from outside of its own run. */
import type { ToolSet, UIMessage, UIMessageChunk } from "ai";
import { messageOf } from "./message-of.ts";
import type { LiveEvent, SettledEvent } from "./run-sink.ts";
import { SettledSegments } from "./settled-segments.ts";
import { StepChunks } from "./step-chunks.ts";
import { toolChunk } from "./tool-chunks.ts";

/** Shortest time between two tellings, in milliseconds. */
const EVERY_MS = 250;
/** Bytes that are told a millisecond, on average. */
const BYTES_PER_MS = 20;
/** Longest message, in characters of its JSON. */
const MAX_LENGTH = 64 * 1024;

/** See the head of this file. A replay, and a step that is tried again, make the same of it. */
export class ProgressMessage {
  readonly #segments: SettledSegments;
  /** What was told of tools since the last model step, by type and call. */
  readonly #tools = new Map<string, UIMessageChunk>();
  #step: { readonly segment: number; readonly chunks: StepChunks } | undefined;
  #chunks: UIMessageChunk[] = [];

  constructor(messageId: string) {
    this.#segments = new SettledSegments({ start: { type: "start", messageId } });
  }

  set tools(tools: ToolSet) {
    this.#segments.tools = tools;
  }

  get tools(): ToolSet {
    return this.#segments.tools;
  }

  settled(event: SettledEvent): void {
    this.#segments.add(event);
  }

  async live(event: LiveEvent): Promise<void> {
    const { open } = this.#segments;
    switch (event.type) {
      case "reset":
        this.#tools.clear();
        this.#step = { segment: open, chunks: new StepChunks({ segment: open, tools: this.#segments.tools }) };
        this.#chunks = [{ type: "start-step" }];
        return;
      case "part":
        this.#chunks.push(...((await this.#step?.chunks.part(event.part)) ?? []));
        return;
      case "end":
        this.#chunks.push(...(this.#step?.chunks.end() ?? []));
        return;
      case "tool-output":
      case "tool-result":
      case "tool-error":
      case "tool-denied":
        this.#tools.set(event.toolCallId, toolChunk(event, {}));
        return;
      case "approval-request":
      case "approval-response":
        this.#tools.set(event.approvalId, toolChunk(event, {}));
        return;
      default:
    }
  }

  /** The message, or its last parts when it is too long; undefined when even the last one is. */
  async whole(): Promise<UIMessage | undefined> {
    const { open } = this.#segments;
    const chunks: UIMessageChunk[] = [];
    for (let segment = 1; segment < open; segment += 1) chunks.push(...(await this.#segments.text(segment)).chunks);
    const { before } = await this.#segments.openHead();
    return shortened(await messageOf([...chunks, ...before, ...this.#tools.values(), ...this.#chunksOf(open)]));
  }

  /** Of the model step that is under way; when it has settled it is among the segments. */
  #chunksOf(open: number): readonly UIMessageChunk[] {
    return this.#step?.segment === open ? this.#chunks : [];
  }
}

/** Shortest time from the telling of `message` to the next, in milliseconds: the larger it is, the longer. */
export function pauseAfter(message: UIMessage): number {
  return Math.max(EVERY_MS, JSON.stringify(message).length / BYTES_PER_MS);
}

function shortened(message: UIMessage): UIMessage | undefined {
  let { parts } = message;
  while (JSON.stringify(parts).length > MAX_LENGTH) {
    if (parts.length <= 1) return undefined;
    parts = parts.slice(Math.ceil(parts.length / 2));
  }
  return { ...message, parts };
}
