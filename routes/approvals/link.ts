/**
 * `/approvals/{id}/link?token=…`: a signed link (src/approvals/approval-link.ts). The token is the key, so these routes stand
 * before the gate of the others. `GET` shows; only `POST`, which the page's buttons send, answers.
 */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import {
  areLongEnough,
  type ApprovalGrant,
  MIN_SECRET_LENGTH,
  readApprovalToken,
} from "../../src/approvals/approval-link.ts";
import { readWithin } from "../body.ts";
import type { Observed } from "../operations/observe.ts";
import { HttpProblem, isProblem, problemCodeOf, problemOf } from "../problem.ts";
import { createRouter, problems } from "../router.ts";
import { invalidSetting, settingsOf } from "../settings.ts";
import { approvalsOf, recorded, unknownApproval } from "./approval-context.ts";
import { idParams, MAX_REASON } from "./approval-schemas.ts";
import { decidedPage, problemPage, questionPage } from "./link-page.ts";

const BODY = { maxBytes: 64 * 1024, timeoutMs: 10_000 };

const query = z.object({
  token: z.string().min(1).max(4_096).openapi({ description: "What `approvalLink()` has signed" }),
});

const pageResponse = {
  description: "A page for a person",
  content: { "text/html": { schema: z.string() } },
};
const about = { tags: ["approvals"], request: { params: idParams, query } };
const path = "/{id}/link";

const show = createRoute({
  ...about,
  path,
  method: "get",
  operationId: "showApproval",
  summary: "Show a question to somebody with a signed link",
  description: "It answers nothing, whoever opens it.",
  responses: { 200: pageResponse, ...problems(400, 403, 404, 410, 502, 503) },
});

const answer = createRoute({
  ...about,
  path,
  method: "post",
  operationId: "answerApprovalByLink",
  summary: "Answer a question with a signed link",
  requestBody: {
    content: {
      "application/x-www-form-urlencoded": {
        schema: {
          type: "object",
          properties: {
            decision: { type: "string", enum: ["approve", "deny"] },
            reason: { type: "string", maxLength: MAX_REASON },
          },
          required: ["decision"],
        },
      },
    },
  },
  responses: { 200: pageResponse, ...problems(400, 403, 404, 408, 409, 410, 413, 415, 502, 503) },
});

/** The routes of signed links. Without the setting APPROVAL_LINK_SECRET they answer 404. */
export function linkRoutes(objects: readonly string[]): OpenAPIHono {
  const router = createRouter();
  router.openapi(show, async (context) => {
    const { id } = context.req.valid("param");
    const { decision } = await grantOf(context, id, context.req.valid("query").token);
    const approval = await approvalsOf(context, objects).get(id);
    if (approval === undefined) throw unknownApproval(id);
    return questionPage(approval, decision);
  });
  router.openapi(answer, async (context) => {
    const { id } = context.req.valid("param");
    const grant = await grantOf(context, id, context.req.valid("query").token);
    const { approved, reason } = await readForm(context, grant);
    const answeredBy = grant.recipient ?? "signed link";
    const result = await approvalsOf(context, objects).answer({ id, approved, reason, answeredBy });
    if (result.result === "decided") return decidedPage(result.approval, 409, "This has been decided already");
    return decidedPage(
      recorded(id, result, (approval) => approval),
      200,
      "Thank you, this is recorded",
    );
  });
  // What no link is for ends here, with 405: the gate of the other routes would take the link's token for an API key.
  router.all(path.replace("{id}", ":id"), (context) => context.notFound());
  // Also for what validation says: mail programs break links.
  router.onError((error, context) => orProblemPage(error, context as Context<Observed>));
  return router;
}

/**
 * @throws HttpProblem `not-found` (404) without a secret, `approval-link-invalid` (403), `approval-link-expired` (410).
 */
async function grantOf(context: Context, id: string, token: string): Promise<ApprovalGrant> {
  const { APPROVAL_LINK_SECRET: secret } = settingsOf(context);
  if (secret === undefined) throw new HttpProblem("not-found", 404, "Links to approvals are not in use here");
  if (!areLongEnough(secret)) {
    throw invalidSetting("APPROVAL_LINK_SECRET", `it has at least ${MIN_SECRET_LENGTH} characters`);
  }
  const grant = await readApprovalToken({ id, token, secret }, Date.now());
  if (grant === "invalid") {
    throw new HttpProblem("approval-link-invalid", 403, "This link is not complete, or not made for this question");
  }
  if (grant === "expired") throw new HttpProblem("approval-link-expired", 410, "This link is not valid any more");
  return grant;
}

/** @throws HttpProblem `unsupported-media-type` (415), `invalid-request` (400), `approval-link-invalid` (403) for a decision that the link must not make. */
async function readForm(
  context: Context,
  grant: ApprovalGrant,
): Promise<{ readonly approved: boolean; readonly reason: string | undefined }> {
  const { raw } = context.req;
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(raw.headers.get("content-type") ?? "")) {
    throw new HttpProblem("unsupported-media-type", 415, "Send a form: application/x-www-form-urlencoded");
  }
  const body = raw.body === null ? "" : await (await readWithin(raw.body, BODY.maxBytes, BODY.timeoutMs)).text();
  const form = new URLSearchParams(body);
  const decision = form.get("decision");
  const reason = form.get("reason")?.trim() ?? "";
  if (decision !== "approve" && decision !== "deny") {
    throw new HttpProblem(
      "invalid-request",
      400,
      "Say what is decided: send a form with decision=approve or decision=deny",
    );
  }
  if (reason.length > MAX_REASON) {
    throw new HttpProblem("invalid-request", 400, `The reason may have ${MAX_REASON} characters`);
  }
  if (grant.decision !== undefined && grant.decision !== decision) {
    throw new HttpProblem("approval-link-invalid", 403, `This link can only ${grant.decision}`);
  }
  return { approved: decision === "approve", reason: reason === "" ? undefined : reason };
}

/** Who opens a link in a browser reads a page, programs problem details. */
async function orProblemPage(error: Error, context: Context<Observed>): Promise<Response> {
  if (!isProblem(error) || !(context.req.header("accept") ?? "").includes("text/html")) throw error;
  context.set("problemCode", problemCodeOf(error));
  const { status, title, detail } = (await problemOf(error).json()) as {
    readonly status: number;
    readonly title: string;
    readonly detail: string;
  };
  return problemPage(title, detail, status);
}
