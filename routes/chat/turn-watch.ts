/**
 * Follows the chunks of a turn, to know where a reader of them is.
 *
 * - W1 It counts steps as the AI SDK's client does: each `start-step` adds one, and `reset-step` takes back what the
 *   last one has, not the step itself.
 * - W2 A turn pauses when no model answer is under way, and each tool call that is not done waits for a person, or for the
 *   client to execute it.
 */
import type { UIMessageChunk } from "ai";
import { CLIENT_CALL, clientCallOf } from "../../src/stream/tool-chunks.ts";

/** What a reader has answered, in the last step that it has: ids of approvals, and of tool calls it has brought outputs for. */
export interface Answered {
  readonly ids: readonly string[];
  /** How many steps the reader has. Some providers give the calls of each step the same ids. */
  readonly steps: number;
}

/** Where a tool call is. `answered`: it is known here that it is, and what follows is not known yet. */
type ToolState = "running" | "waiting" | "answered" | "done";

export class TurnWatch {
  readonly #answered: Answered;
  readonly #tools = new Map<string, ToolState>();
  readonly #toolOfApproval = new Map<string, string>();
  #steps = 0;
  #isModelAnswering = false;
  #isOver = false;

  /** @param answered Whether or not the answers are among the chunks yet. */
  constructor(answered: Answered = { ids: [], steps: 0 }) {
    this.#answered = answered;
  }

  /** Steps that have begun (W1). */
  get steps(): number {
    return this.#steps;
  }

  /** True while a model's answer is under way. */
  get isModelAnswering(): boolean {
    return this.#isModelAnswering;
  }

  /** True when the turn waits for people or the client alone (W2). */
  get isPaused(): boolean {
    if (this.#isModelAnswering || this.#isOver) return false;
    const states = [...this.#tools.values()];
    return states.includes("waiting") && !states.some((state) => state === "running" || state === "answered");
  }

  /** True after the last chunk of a turn. */
  get isOver(): boolean {
    return this.#isOver;
  }

  see(chunk: UIMessageChunk): void {
    switch (chunk.type) {
      case "start-step":
        this.#steps += 1;
        this.#isModelAnswering = true;
        this.#tools.clear();
        break;
      case "finish-step":
        this.#isModelAnswering = false;
        break;
      case "reset-step":
        this.#isModelAnswering = this.#steps > 0;
        this.#tools.clear();
        break;
      case "tool-input-start":
      case "tool-input-available":
        // Whom the provider calls, nobody here waits for.
        if (chunk.providerExecuted !== true) this.#tools.set(chunk.toolCallId, "running");
        break;
      case "tool-approval-request":
        this.#toolOfApproval.set(chunk.approvalId, chunk.toolCallId);
        this.#tools.set(chunk.toolCallId, this.#isAnswered(chunk.approvalId) ? "answered" : "waiting");
        break;
      case CLIENT_CALL: {
        const toolCallId = clientCallOf(chunk);
        if (toolCallId !== undefined)
          this.#tools.set(toolCallId, this.#isAnswered(toolCallId) ? "answered" : "waiting");
        break;
      }
      case "tool-approval-response": {
        const toolCallId = this.#toolOfApproval.get(chunk.approvalId);
        if (toolCallId !== undefined) this.#tools.set(toolCallId, "answered");
        break;
      }
      case "tool-output-available":
        if (chunk.preliminary !== true) this.#tools.set(chunk.toolCallId, "done");
        break;
      case "tool-input-error":
      case "tool-output-error":
      case "tool-output-denied":
        this.#tools.set(chunk.toolCallId, "done");
        break;
      case "finish":
      case "abort":
      case "error":
        this.#isOver = true;
        break;
      default:
    }
  }

  #isAnswered(id: string): boolean {
    return this.#steps <= this.#answered.steps && this.#answered.ids.includes(id);
  }
}
