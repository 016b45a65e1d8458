/** A tool with which a model asks a person, and waits: for days if need be, and through restarts. */
import type { Tool } from "ai";
import { z } from "zod";
import { ApprovalScope } from "../approvals/approval-scope.ts";
import type { Approvals } from "../approvals/approvals.ts";
import { askPerson } from "../approvals/ask-person.ts";
import { ApprovalsMissingError } from "../errors/approvals-missing-error.ts";
import { requirePlace } from "../journal/ambient.ts";
import { contextTool } from "./context-tool.ts";

/** Options of `askUser()`. */
export interface AskUserOptions {
  /** Tells the model when to ask. */
  readonly description?: string | undefined;
  /** How long to wait for an answer; a number is milliseconds. Default: that of the agent's approvals. */
  readonly timeout?: Approvals["timeout"];
  /** What the model is told when nobody has answered in time. */
  readonly whenUnanswered?: string | undefined;
}

/** What the model asks. */
export interface AskUserInput {
  readonly question: string;
}

const DESCRIPTION =
  "Ask the user a question and wait for the answer. Use it when only the user can know, or has to decide.";
const UNANSWERED = "Nobody answered in time.";

/**
 * A tool that asks a person a question and waits; the answer is its result. The question is among the approvals, as kind
 * `question`: it is answered there, with the text as the `reason`, or by `useChat` with `addToolApprovalResponse({ id,
 * approved: true, reason: text })`. Who does not approve it declines to answer, and the model is told so.
 *
 * It needs an agent with `approvals`, or a session.
 *
 * @example
 * ```ts
 * const agent = new RestateAgent({ id: "travel", model, tools: { askUser: askUser() } }, { approvals: { object: approvals } });
 * ```
 */
export function askUser({ description = DESCRIPTION, timeout, whenUnanswered = UNANSWERED }: AskUserOptions = {}): Tool<
  AskUserInput,
  string
> {
  return contextTool({
    description,
    inputSchema: z.object({ question: z.string().min(1).describe("What the user is asked, in full sentences") }),
    execute: async (input: AskUserInput, { toolCallId }): Promise<string> => {
      const place = requirePlace("askUser()");
      const scope = ApprovalScope.of(place.fiber);
      if (scope === undefined) throw new ApprovalsMissingError("askUser");
      const { state, approved, reason } = await askPerson(scope, place, {
        kind: "question",
        tool: "askUser",
        toolCallId,
        input,
        reason: input.question,
        timeout,
        onTimeout: "deny",
      });
      if (state === "expired") return whenUnanswered;
      if (approved) return reason ?? "";
      return `The user does not answer this question.${reason === undefined ? "" : ` ${reason}`}`;
    },
  });
}
