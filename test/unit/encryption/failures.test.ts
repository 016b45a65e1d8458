import { expect, test } from "vitest";
import { journalEncryption } from "../../../src/encryption/journal-encryption.ts";
import { decryptedError, withSealing } from "../../../src/encryption/sealing.ts";
import { JournalCipher } from "../../../src/encryption/journal-cipher.ts";
import { openedError, sealedError } from "../../../src/encryption/failures.ts";
import { unveiled } from "../../../src/encryption/veil.ts";
import { ERROR_METADATA_KEY } from "../../../src/errors/edge-agent-error.ts";
import { JournalKeyUnknownError } from "../../../src/errors/journal-key-unknown-error.ts";
import { restoreError } from "../../../src/errors/restore-error.ts";
import { ToolTimeoutError } from "../../../src/errors/tool-timeout-error.ts";
import { RestateError, RetryableError, TerminalError } from "../../../src/restate.ts";
import { journalKey } from "./keys.ts";

const cipher = new JournalCipher([journalKey("k1")]);

class PaymentError extends Error {
  override name = "PaymentError";
  readonly account = "DE02";
}

test("a failure keeps its code and its stable name, and comes back whole", async () => {
  const error = new ToolTimeoutError("payInvoice", 5_000);
  const sealed = await sealedError(cipher, error);
  if (!(sealed instanceof TerminalError)) throw new Error("It is no terminal error any more");
  expect(sealed.code).toBe(error.code);
  expect(sealed.message).toMatch(/^\[encrypted k1\] [\w+/=]+$/);
  expect(JSON.parse(sealed.metadata?.[ERROR_METADATA_KEY] ?? "")).toEqual({ errorCode: "tool-timeout", fields: {} });
  expect(`${sealed.message}${sealed.stack}${JSON.stringify(sealed.metadata)}`).not.toContain("payInvoice");
  // As the SDK makes it from the journal.
  const { message, metadata = {}, code } = sealed;
  const opened = restoreError(await openedError(cipher, new TerminalError(message, { errorCode: code, metadata })));
  expect(opened).toMatchObject({ errorCode: "tool-timeout", toolName: "payInvoice", message: error.message });
});

test("a failure that is retried stays one, with its delay", async () => {
  const sealed = await sealedError(cipher, new RetryableError("quota of DE02", { retryAfter: { seconds: 3 } }));
  expect(sealed).toBeInstanceOf(RetryableError);
  expect(sealed).toMatchObject({ retryAfter: { seconds: 3 } });
  expect(String(sealed)).not.toContain("DE02");
});

test("an app's own error stays one of its class for asTerminalError(), and logs show it", async () => {
  const error = new PaymentError("no funds in DE02", { cause: new Error("DE02") });
  const sealed = await sealedError(cipher, error);
  if (!(sealed instanceof PaymentError)) throw new Error("It is of another class");
  expect(sealed.account).toBe("DE02");
  expect(sealed.cause).toBeUndefined();
  expect(`${sealed.message}${sealed.stack}`).not.toContain("DE02");
  expect([unveiled(sealed), unveiled(error), unveiled("text")]).toEqual([error, error, "text"]);
});

test("what the SDK says, and why a value cannot be decrypted, stays readable", async () => {
  const suspended = new RestateError("Suspended", { errorCode: 599 });
  expect(await sealedError(cipher, suspended)).toBe(suspended);
  const unknown = new JournalKeyUnknownError("old", ["new"]);
  expect(await sealedError(cipher, unknown)).toBe(unknown);
});

test("a failure is encrypted once", async () => {
  const once = await sealedError(cipher, new TerminalError("reason"));
  if (!(once instanceof TerminalError)) throw new Error("It is no terminal error any more");
  const twice = await sealedError(cipher, once);
  expect(await openedError(cipher, twice)).toMatchObject({ message: "reason" });
});

test("a handler of the SDK's own reads what it has caught; everywhere else it stays what it is", async () => {
  const encryption = journalEncryption({ keys: [journalKey("k1")] });
  const sealed = await sealedError(encryption.cipher, new TerminalError("no funds in DE02", { errorCode: 402 }));
  const opened = await withSealing(encryption, () => decryptedError(sealed));
  expect(opened).toBeInstanceOf(TerminalError);
  expect(opened).toMatchObject({ message: "no funds in DE02", code: 402 });
  const others = [sealed, new Error("plain"), "text", undefined, opened];
  expect(await Promise.all(others.map(decryptedError))).toEqual(others);
  expect(await withSealing(encryption, () => decryptedError(opened))).toBe(opened);
});

test("a failure that is not encrypted passes; one of an unknown key does not", async () => {
  const plain = new TerminalError("cancelled", { errorCode: 409 });
  expect(await openedError(cipher, plain)).toBe(plain);
  const other = await sealedError(new JournalCipher([journalKey("k2")]), plain);
  await expect(openedError(cipher, other)).rejects.toMatchObject({ errorCode: "journal-key-unknown" });
});
