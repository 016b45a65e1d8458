/**
 * What a server asks the user for during a call, as a question among the run's approvals. A person may take days, and no
 * connection does:
 *
 * - E1 The server is told that the user has cancelled, so the call ends, and with it the step.
 * - E2 The person is asked between steps, durably.
 * - E3 The call is made again, as a step of its own, with the answers at hand. A server that asks for the same again gets
 *   them at once; what it asks for beyond that is asked for as well.
 *
 * So a server that has effects before it asks has them again. They belong behind the answer.
 */
import type { ElicitationRequest, ElicitResult } from "@ai-sdk/mcp";
import { ApprovalScope } from "../approvals/approval-scope.ts";
import { askPerson } from "../approvals/ask-person.ts";
import { isJsonObject, type JsonObject, sameJson } from "../journal/json.ts";
import type { PausedCall } from "../tools/pausing-tool.ts";
import { readAnswer } from "./elicited-answer.ts";

/** What a step gives that has ended with questions. It is stored. */
export const ELICITATION = "restate-edge-agents/elicitation";

/** One question of a server. */
export interface Elicited {
  readonly message: string;
  readonly requestedSchema: JsonObject;
}

/** A question and what the user said. */
export interface Answer {
  readonly request: Elicited;
  readonly result: ElicitResult;
}

/** What one try of a call is asked. */
export class Elicitations {
  readonly #answers: Answer[];
  readonly #open: Elicited[] = [];
  readonly #asked = Promise.withResolvers<void>();

  constructor(answers: readonly Answer[]) {
    this.#answers = [...answers];
  }

  /** What nobody has answered yet. */
  get open(): readonly Elicited[] {
    return this.#open;
  }

  /** Settles when something is asked that nobody has answered. */
  get asked(): Promise<void> {
    return this.#asked.promise;
  }

  readonly elicit = ({ params }: ElicitationRequest): ElicitResult => {
    const schema: unknown = params.requestedSchema;
    const request: Elicited = { message: params.message, requestedSchema: isJsonObject(schema) ? schema : {} };
    const index = this.#answers.findIndex((answer) => sameJson(answer.request, request));
    const [known] = index === -1 ? [] : this.#answers.splice(index, 1);
    if (known !== undefined) return known.result; // E3
    this.#open.push(request);
    this.#asked.resolve();
    return { action: "cancel" }; // E1
  };
}

/** The questions that a step has ended with; undefined: it has ended with a result. */
export function questionsIn(output: unknown): readonly Elicited[] | undefined {
  if (!isJsonObject(output) || !Object.hasOwn(output, ELICITATION)) return undefined;
  const questions = output[ELICITATION];
  return Array.isArray(questions) ? (questions as Elicited[]) : undefined;
}

/** E2 */
export async function askUser(server: string, request: Elicited, call: PausedCall): Promise<Answer> {
  const { place, toolName, toolCallId } = call;
  const scope = ApprovalScope.of(place.fiber);
  const { message, requestedSchema } = request;
  if (scope === undefined) return { request, result: { action: "decline" } };
  for (let problem: string | undefined; ;) {
    const { state, approved, reason } = await askPerson(scope, place, {
      kind: "question",
      tool: toolName,
      toolCallId,
      input: { server, message, requestedSchema },
      reason: problem === undefined ? message : `${message} (${problem})`,
      onTimeout: "deny",
    });
    if (state === "expired") return { request, result: { action: "cancel" } };
    if (!approved) return { request, result: { action: "decline" } };
    const answer = readAnswer(reason, requestedSchema);
    if (typeof answer !== "string") return { request, result: { action: "accept", content: { ...answer } } };
    problem = answer;
  }
}
