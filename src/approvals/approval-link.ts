/**
 * Signed links with which a person answers one question, from an e-mail or a chat, without a key of the API.
 *
 * - K1 Bound. The signature (HMAC-SHA-256) covers the question's id, the time limit, the decision and the recipient; of any
 *   other id or content it is wrong.
 * - K2 Opening a link answers nothing: it shows a page, and the page's button answers. Scanners of e-mails open links.
 * - K3 Compared in constant time, by the runtime's own `verify`.
 */
import { DefinitionError } from "../errors/definition-error.ts";
import type { Approval } from "./approvals.ts";
import { durationMs } from "../journal/duration.ts";
import type { Duration } from "../restate.ts";

/** Fewest characters of a secret. */
export const MIN_SECRET_LENGTH = 32;

/** What a link may do. */
export interface ApprovalLinkOptions {
  /** The app's own address, such as `https://agents.example.com`. */
  readonly baseUrl: string;
  /** The setting APPROVAL_LINK_SECRET, with at least 32 characters. Of several, comma-separated, the first signs. */
  readonly secret: string;
  /** How long the link works, from when the question was asked; a number is milliseconds. Default 7 days. */
  readonly validFor?: Duration | number | undefined;
  /** The only decision that the link may make. Default: either. */
  readonly decision?: "approve" | "deny" | undefined;
  /** Who gets the link: it is recorded as who answered. */
  readonly recipient?: string | undefined;
}

/** What a valid token says. */
export interface ApprovalGrant {
  readonly decision?: "approve" | "deny" | undefined;
  readonly recipient?: string | undefined;
}

const WEEK_MS = 7 * 24 * 60 * 60_000;
const PURPOSE = "restate-edge-agents approval link 1";

/**
 * A link to a page that shows the question, with buttons to answer. Whoever has the link may answer: send it to nobody else.
 *
 * @throws DefinitionError for a secret that is too short, and a base URL that is none.
 *
 * @example
 * ```ts
 * const notify = async (approval: Approval): Promise<void> => {
 *   const secret = process.env["APPROVAL_LINK_SECRET"] ?? "";
 *   await sendMail("ada@example.com", await approvalLink(approval, { baseUrl: "https://agents.example.com", secret }));
 * };
 * const agent = new RestateAgent({ id: "travel", model, tools }, { approvals: { object: approvals, notify } });
 * ```
 */
export async function approvalLink(
  approval: Pick<Approval, "id" | "requestedAt">,
  { baseUrl, secret, validFor = WEEK_MS, decision, recipient }: ApprovalLinkOptions,
): Promise<string> {
  const [first] = secretsOf(secret);
  if (first === undefined || !areLongEnough(secret)) {
    throw new DefinitionError(
      `Cannot sign a link to an approval: the secret must have at least ${MIN_SECRET_LENGTH} characters; set APPROVAL_LINK_SECRET`,
    );
  }
  if (!URL.canParse(baseUrl)) {
    throw new DefinitionError(
      `Cannot make a link to an approval: baseUrl must be a URL: current value is "${baseUrl}"`,
    );
  }
  const expiresMs = Date.parse(approval.requestedAt) + durationMs(validFor);
  const payload = toBase64Url(encoded(JSON.stringify({ e: expiresMs, d: decision, r: recipient })));
  const key = await keyOf(first, "sign");
  const signature = new Uint8Array(await crypto.subtle.sign("HMAC", key, signed(approval.id, payload)));
  const token = `${payload}.${toBase64Url(signature)}`;
  return `${baseUrl.replace(/\/+$/, "")}/approvals/${encodeURIComponent(approval.id)}/link?token=${token}`;
}

/**
 * What the token of a link allows; `expired` when its time is over, `invalid` when it is not signed for this id.
 *
 * @param nowMs Milliseconds since 1970.
 */
export async function readApprovalToken(
  { id, token, secret }: { readonly id: string; readonly token: string; readonly secret: string },
  nowMs: number,
): Promise<ApprovalGrant | "expired" | "invalid"> {
  const [, payload, signature] = /^([\w-]{1,2000})\.([\w-]{43})$/.exec(token) ?? [];
  if (payload === undefined || signature === undefined) return "invalid";
  let isSigned = false;
  for (const candidate of secretsOf(secret)) {
    const key = await keyOf(candidate, "verify");
    const isBy = await crypto.subtle.verify("HMAC", key, fromBase64Url(signature), signed(id, payload));
    isSigned = isBy || isSigned;
  }
  if (!isSigned) return "invalid";
  const { e, d, r } = JSON.parse(new TextDecoder().decode(fromBase64Url(payload))) as Payload;
  if (e <= nowMs) return "expired";
  return { decision: d, recipient: r };
}

/** True when each of the comma-separated secrets is long enough to sign with. */
export function areLongEnough(secret: string): boolean {
  const secrets = secretsOf(secret);
  return secrets.length > 0 && secrets.every(({ length }) => length >= MIN_SECRET_LENGTH);
}

interface Payload {
  readonly e: number;
  readonly d?: "approve" | "deny";
  readonly r?: string;
}

function secretsOf(secret: string): readonly string[] {
  return secret
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");
}

function signed(id: string, payload: string): Uint8Array<ArrayBuffer> {
  return encoded(`${PURPOSE}\n${id}\n${payload}`);
}

function encoded(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

async function keyOf(secret: string, use: "sign" | "verify"): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", encoded(secret), { name: "HMAC", hash: "SHA-256" }, false, [use]);
}

function toBase64Url(bytes: Uint8Array): string {
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
}
