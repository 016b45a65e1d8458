/**
 * Where a client goes on that has a part of a turn: the AI SDK's client answers approvals, and brings outputs of tools that
 * it has executed, with a POST, and adds what that is answered with to the message that it has. So nothing of it may come a
 * second time.
 *
 * Such a client has whole steps: its stream ended while the turn waited for people or for itself (W2). What it can have of the tools
 * of its last step, its message tells.
 */
import type { UIMessage, UIMessageChunk } from "ai";
import { readProperty } from "../../src/errors/read-error.ts";
import { CLIENT_CALL, clientCallOf } from "../../src/stream/tool-chunks.ts";
import { TurnWatch } from "./turn-watch.ts";

interface KnownTool {
  readonly state: string;
  readonly approval: string | undefined;
  /** What it gave, as JSON. */
  readonly end: string | undefined;
}

const DONE: ReadonlySet<string> = new Set(["output-available", "output-error", "output-denied"]);

/** Lets those chunks of a turn pass that a client with `message` has not. */
export class Continuation {
  readonly #steps: number;
  readonly #tools: ReadonlyMap<string, KnownTool>;
  readonly #watch = new TurnWatch();
  /** Calls whose last known question has come. */
  readonly #reached = new Set<string>();
  /** Questions that the client knows to be answered. */
  readonly #earlier = new Set<string>();

  constructor(message: UIMessage) {
    this.#steps = message.parts.filter(({ type }) => type === "step-start").length;
    this.#tools = toolsOf(message);
  }

  /** True when the client has it. To be asked about each chunk of the turn, from the first one on. */
  has(chunk: UIMessageChunk): boolean {
    const { steps: before, isModelAnswering: wasAnswering } = this.#watch;
    this.#watch.see(chunk);
    if (this.#steps === 0 || this.#watch.steps > this.#steps) return false;
    // The last step's model answer, its end included, and all before it.
    if (before < this.#steps || wasAnswering || chunk.type === "finish-step") return true;
    return this.#hasOfTools(chunk);
  }

  /** A call may ask several questions, one after the other: the client's message has the last one that it knows. */
  #hasQuestion(toolCallId: string, approvalId: string): boolean {
    const known = this.#tools.get(toolCallId)?.approval;
    if (known === undefined || this.#reached.has(toolCallId)) return false;
    if (known === approvalId) this.#reached.add(toolCallId);
    else this.#earlier.add(approvalId);
    return true;
  }

  #hasOfTools(chunk: UIMessageChunk): boolean {
    switch (chunk.type) {
      case "tool-approval-request":
        return this.#hasQuestion(chunk.toolCallId, chunk.approvalId);
      case "tool-approval-response":
        if (this.#earlier.has(chunk.approvalId)) return true;
        return [...this.#tools.values()].some(
          ({ state, approval }) => approval === chunk.approvalId && DONE.has(state),
        );
      case "tool-input-available": {
        const { state } = this.#tools.get(chunk.toolCallId) ?? {};
        return state !== undefined && state !== "input-streaming";
      }
      case CLIENT_CALL:
        return DONE.has(this.#tools.get(clientCallOf(chunk) ?? "")?.state ?? "");
      // What was recorded may be another client's output, or that this one's could not be used.
      case "tool-output-available":
        return this.#tools.get(chunk.toolCallId)?.end === JSON.stringify(["output-available", chunk.output]);
      case "tool-output-error":
        return this.#tools.get(chunk.toolCallId)?.end === JSON.stringify(["output-error", chunk.errorText]);
      case "tool-output-denied":
        return DONE.has(this.#tools.get(chunk.toolCallId)?.state ?? "");
      default:
        return false;
    }
  }
}

function toolsOf({ parts }: UIMessage): Map<string, KnownTool> {
  const tools = new Map<string, KnownTool>();
  for (const part of parts) {
    if (!("toolCallId" in part) || typeof part.toolCallId !== "string") continue;
    const state = "state" in part ? String(part.state) : "";
    const approval = "approval" in part ? part.approval?.id : undefined;
    const said: unknown =
      state === "output-error" && "errorText" in part ? part.errorText : readProperty(part, "output");
    tools.set(part.toolCallId, { state, approval, end: JSON.stringify([state, said]) });
  }
  return tools;
}
