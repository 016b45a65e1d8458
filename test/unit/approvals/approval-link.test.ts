import { expect, test } from "vitest";
import { approvalLink, type ApprovalLinkOptions, readApprovalToken } from "../../../src/approvals/approval-link.ts";
import { DefinitionError } from "../../../src/index.ts";

const SECRET = "a secret that is as long as it must";
const approval = { id: `apr_0aaaaaa_${"1".repeat(32)}`, requestedAt: "2026-11-28T12:00:00.000Z" };
const at = Date.parse(approval.requestedAt);
const DAY_MS = 24 * 60 * 60_000;

async function tokenOf(options: Partial<ApprovalLinkOptions> = {}): Promise<string> {
  const link = new URL(await approvalLink(approval, { baseUrl: "https://app.test/", secret: SECRET, ...options }));
  expect([link.origin, link.pathname]).toEqual(["https://app.test", `/approvals/${approval.id}/link`]);
  return link.searchParams.get("token") ?? "";
}

const read = (token: string, { id = approval.id, secret = SECRET, now = at } = {}) =>
  readApprovalToken({ id, token, secret }, now);

test("a link is valid for its question, until its time is over", async () => {
  const token = await tokenOf();
  expect(await read(token)).toEqual({});
  expect(await read(token, { now: at + 7 * DAY_MS - 1 })).toEqual({});
  expect(await read(token, { now: at + 7 * DAY_MS })).toBe("expired");
  expect(await read(await tokenOf({ validFor: { hours: 1 } }), { now: at + 3_600_001 })).toBe("expired");
  expect(await read(token, { id: approval.id.replace("1", "2") })).toBe("invalid");
});

test("a link made twice is the same, so that a step that is repeated sends no other", async () => {
  expect(await tokenOf()).toBe(await tokenOf());
});

test("it says what it allows, and for whom it is", async () => {
  const token = await tokenOf({ decision: "deny", recipient: "ada ✓ <ada@example.com>" });
  expect(await read(token)).toEqual({ decision: "deny", recipient: "ada ✓ <ada@example.com>" });
});

test("secrets rotate: the first signs, all are accepted", async () => {
  const old = await tokenOf();
  const both = `another secret that is as long as it must,${SECRET}`;
  const fresh = await tokenOf({ secret: both });
  expect(await read(old, { secret: both })).toEqual({});
  expect(await read(fresh, { secret: both })).toEqual({});
  expect(await read(fresh)).toBe("invalid");
});

test("whatever is changed in a token makes it invalid", async () => {
  const token = await tokenOf({ decision: "approve", recipient: "ada" });
  for (let n = 0; n < token.length; n++) {
    const other = token[n] === "A" ? "B" : "A";
    const changed = token.slice(0, n) + other + token.slice(n + 1);
    // The last character of base64 has bits that mean nothing.
    if (n === token.length - 1) continue;
    expect(await read(changed), changed).toBe("invalid");
  }
  for (const broken of [
    "",
    ".",
    token.slice(1),
    `${token}A`,
    token.split(".")[0] ?? "",
    `.${token}`,
    `${token} `,
    "x".repeat(5_000),
  ]) {
    expect(await read(broken), broken).toBe("invalid");
  }
});

test("a secret that is too short, and an address that is none, are refused", async () => {
  for (const secret of ["", ",", "x".repeat(31), `${SECRET},short`]) {
    await expect(tokenOf({ secret })).rejects.toThrow(DefinitionError);
  }
  await expect(tokenOf({ baseUrl: "app.test" })).rejects.toThrow(/baseUrl must be a URL/);
});
