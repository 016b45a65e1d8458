/**
 * Finds what a client has been told before. Each attempt of a turn tells again what its journal has of the tools of a
 * step, and on Workers each request is one. For a message that makes no difference in the end, but a tool call that has
 * its result would be shown for a moment as one that waits for a person.
 */
import type { UIMessageChunk } from "ai";
import { CLIENT_CALL, clientCallOf } from "../../src/stream/tool-chunks.ts";

/** What was said last of a tool call. */
interface Told {
  request?: string;
  response?: string;
  output?: string;
  /** True when it waits for the client. */
  isClients?: true;
}

export class Repeats {
  readonly #tools = new Map<string, Told>();
  readonly #toolOfApproval = new Map<string, string>();

  /** True for a repetition. To be asked about each chunk of the turn, in order. */
  has(chunk: UIMessageChunk): boolean {
    switch (chunk.type) {
      case "tool-input-available":
        // The client would execute it once more.
        if (this.#tools.get(chunk.toolCallId)?.isClients === true) return true;
        this.#tools.delete(chunk.toolCallId);
        return false;
      case CLIENT_CALL:
        return this.#isClientsAgain(clientCallOf(chunk) ?? "");
      case "tool-input-start":
      case "tool-input-error":
        // The call is told anew, and all that follows from it.
        this.#tools.delete(chunk.toolCallId);
        return false;
      case "tool-approval-request":
        this.#toolOfApproval.set(chunk.approvalId, chunk.toolCallId);
        return this.#isToldAgain(chunk.toolCallId, "request", chunk);
      case "tool-approval-response":
        return this.#isToldAgain(this.#toolOfApproval.get(chunk.approvalId) ?? "", "response", chunk);
      case "tool-output-available":
      case "tool-output-error":
      case "tool-output-denied":
        return this.#isToldAgain(chunk.toolCallId, "output", chunk);
      default:
        return false;
    }
  }

  #isClientsAgain(toolCallId: string): boolean {
    const told = this.#tools.get(toolCallId) ?? {};
    if (told.isClients === true) return true;
    this.#tools.set(toolCallId, { ...told, isClients: true });
    return false;
  }

  #isToldAgain(toolCallId: string, what: keyof Told, chunk: UIMessageChunk): boolean {
    const told = this.#tools.get(toolCallId) ?? {};
    const text = JSON.stringify(chunk);
    if (told[what] === text) return true;
    this.#tools.set(toolCallId, { ...told, [what]: text });
    return false;
  }
}
