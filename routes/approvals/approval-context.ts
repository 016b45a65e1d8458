/** What the routes of approvals have in common. */
import type { Context } from "hono";
import type { AnswerResult } from "../../src/approvals/approval-handlers.ts";
import type { Approval } from "../../src/approvals/approvals.ts";
import { ingressClient } from "../agents/route-context.ts";
import { HttpProblem } from "../problem.ts";
import { ApprovalClient } from "./approval-client.ts";

/** The questions of these objects, by this request's settings. */
export function approvalsOf(context: Context, objects: readonly string[]): ApprovalClient {
  return new ApprovalClient(ingressClient(context), objects);
}

/**
 * @param shown How the caller is shown an approval.
 * @throws HttpProblem `approval-not-found` (404), `approval-answered` (409) with what holds.
 */
export function recorded(id: string, result: AnswerResult, shown: (approval: Approval) => Approval): Approval {
  switch (result.result) {
    case "recorded":
      return shown(result.approval);
    case "decided":
      throw new HttpProblem("approval-answered", 409, `This has been decided already: ${result.approval.state}`, {
        members: { approval: shown(result.approval) },
      });
    case "unknown":
      throw unknownApproval(id);
  }
}

export function unknownApproval(id: string): HttpProblem {
  return new HttpProblem("approval-not-found", 404, `There is no approval ${id}, or it is kept no longer`);
}
