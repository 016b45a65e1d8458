/** The page behind a signed link: plain HTML, no scripts, for whoever opens it and whatever they read it with. */
import { html, raw } from "hono/html";
import type { Approval } from "../../src/approvals/approvals.ts";
import { MAX_REASON } from "./approval-schemas.ts";

/** HTML that may be shown. */
type Markup = ReturnType<typeof html>;

const STYLE = `:root{color-scheme:light dark;font:1rem/1.5 system-ui,sans-serif}
body{max-width:42rem;margin:2rem auto;padding:0 1rem}
pre{overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere;padding:.75rem;border:1px solid;border-radius:.375rem}
textarea{box-sizing:border-box;width:100%;font:inherit}
button{font:inherit;padding:.5rem 1.25rem;margin:.75rem .75rem 0 0;cursor:pointer}
label{display:block;margin-top:1rem}`;

/** An HTML answer that runs nothing, loads nothing, and may be framed by nobody. */
export async function page(title: string, body: Markup, status = 200): Promise<Response> {
  const nonce = crypto.randomUUID();
  const document = await html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <style nonce="${nonce}">
          ${raw(STYLE)}
        </style>
      </head>
      <body>
        <main>${body}</main>
      </body>
    </html>`;
  return new Response(String(document), {
    status,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": `default-src 'none'; style-src 'nonce-${nonce}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
      "cache-control": "no-store",
    },
  });
}

/** The question, and what was decided or a form to decide it. */
export function questionPage(approval: Approval, decision: "approve" | "deny" | undefined): Promise<Response> {
  if (approval.state !== "pending") return decidedPage(approval, 200, "This has been decided already");
  const isQuestion = approval.kind === "question";
  const title = isQuestion ? "A question for you" : `May “${approval.tool}” run?`;
  return page(
    title,
    html`<h1>${title}</h1>
      ${facts(approval)}
      <form method="post">
        <label for="reason">${isQuestion ? "Your answer" : "Reason (optional)"}</label>
        <textarea id="reason" name="reason" rows="3" maxlength="${MAX_REASON}"></textarea>
        ${decision === "deny" ? "" : html`<button name="decision" value="approve">${isQuestion ? "Send answer" : "Approve"}</button>`}
        ${decision === "approve" ? "" : html`<button name="decision" value="deny">${isQuestion ? "Decline" : "Deny"}</button>`}
      </form>`,
  );
}

/** What holds. */
export function decidedPage(approval: Approval, status: number, title: string): Promise<Response> {
  const by = approval.answeredBy === undefined ? "" : ` by ${approval.answeredBy}`;
  return page(
    title,
    html`<h1>${title}</h1>
      <p role="status">
        <strong>${WORDS[approval.state]}</strong
        >${by}${approval.answeredAt === undefined ? "" : `, ${approval.answeredAt}`}.
      </p>
      ${approval.answer === undefined ? "" : html`<p>${approval.answer}</p>`} ${facts(approval)}`,
    status,
  );
}

/** Why there is nothing to decide. */
export function problemPage(title: string, detail: string, status: number): Promise<Response> {
  return page(
    title,
    html`<h1>${title}</h1>
      <p>${detail}</p>`,
    status,
  );
}

const WORDS = {
  pending: "Waiting for an answer",
  approved: "Approved",
  denied: "Denied",
  expired: "Not answered in time",
  cancelled: "Not needed any more",
} as const satisfies Record<Approval["state"], string>;

function facts({ agent, tool, input, inputTruncated, reason, requestedAt, expiresAt }: Approval): Markup {
  const shown = typeof input === "string" ? input : JSON.stringify(input, undefined, 2);
  return html`${reason === undefined ? "" : html`<p>${reason}</p>`}
    <p>
      The agent <strong>${agent}</strong> wants to use the tool <strong>${tool}</strong> with this
      input${inputTruncated === true ? " (only its beginning is shown)" : ""}:
    </p>
    <pre tabindex="0">${shown}</pre>
    <p>Asked ${requestedAt}${expiresAt === undefined ? "" : `; to be answered until ${expiresAt}`}.</p>`;
}
