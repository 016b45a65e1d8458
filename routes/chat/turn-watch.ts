/**
 * Follows the chunks of a turn, to know where a reader of them is.
 *
 * - W1 It counts steps as the AI SDK's client does: each `start-step` adds one, and `reset-step` takes back what the
 *   last one has, not the step itself.
 * - W2 A turn pauses when no model answer is under way, and each tool call that is not done waits for a person.
 */
import type { UIMessageChunk } from "ai";

/** Where a tool call is. `answered`: a person has decided, and what follows is not known yet. */
type ToolState = "running" | "waiting" | "answered" | "done";

export class TurnWatch {
  readonly #answered: ReadonlySet<string>;
  readonly #tools = new Map<string, ToolState>();
  readonly #toolOfApproval = new Map<string, string>();
  #steps = 0;
  #isModelAnswering = false;
  #isOver = false;

  /** @param answered Approvals that have been answered, whether or not their answer is among the chunks yet. */
  constructor(answered: Iterable<string> = []) {
    this.#answered = new Set(answered);
  }

  /** Steps that have begun (W1). */
  get steps(): number {
    return this.#steps;
  }

  /** True while a model's answer is under way. */
  get isModelAnswering(): boolean {
    return this.#isModelAnswering;
  }

  /** True when the turn waits for people alone (W2). */
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
      case "tool-input-available":
        // Whom the provider calls, nobody here waits for.
        if (chunk.providerExecuted !== true) this.#tools.set(chunk.toolCallId, "running");
        break;
      case "tool-approval-request":
        this.#toolOfApproval.set(chunk.approvalId, chunk.toolCallId);
        this.#tools.set(chunk.toolCallId, this.#answered.has(chunk.approvalId) ? "answered" : "waiting");
        break;
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
}
