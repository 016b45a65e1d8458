import type { ApprovalRequestEvent, ApprovalResponseEvent } from "../stream/run-sink.ts";

/**
 * Questions of the agents inside one tool call. A call shows one question at a time: the others wait until it is answered.
 */
export class PendingQuestions {
  #waiting: ApprovalRequestEvent[] = [];
  readonly #known = new Set<string>();

  /** True when nobody is asked. */
  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** True when the question is to be shown now. */
  add(question: ApprovalRequestEvent): boolean {
    if (!this.#known.has(question.approvalId)) {
      this.#known.add(question.approvalId);
      this.#waiting.push(question);
    }
    return this.#waiting[0]?.approvalId === question.approvalId;
  }

  /** What is to be shown when `answer` is there: the answer, and the next question. */
  answer(answer: ApprovalResponseEvent): readonly (ApprovalRequestEvent | ApprovalResponseEvent)[] {
    const [shown] = this.#waiting;
    this.#known.add(answer.approvalId);
    this.#waiting = this.#waiting.filter(({ approvalId }) => approvalId !== answer.approvalId);
    if (shown?.approvalId !== answer.approvalId) return [];
    const [next] = this.#waiting;
    return next === undefined ? [answer] : [answer, next];
  }
}
