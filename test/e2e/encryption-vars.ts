/**
 * Encryption of what Restate is told, when the environment variable `JOURNALS` is `encrypted`: so that tests run once more,
 * and see no difference.
 */
import { type JournalEncryption, journalEncryption } from "../../src/encryption/journal-encryption.ts";

/** Of the tests. */
const KEYS: string = `test:${Buffer.alloc(32, "a secret of the tests").toString("base64")}`;

/** True when journals are encrypted. */
export function isEncrypted(): boolean {
  return process.env["JOURNALS"] === "encrypted";
}

/** Settings of the app. */
export function encryptionVars(encrypted: boolean = isEncrypted()): Readonly<Record<string, string>> {
  return encrypted ? { JOURNAL_KEYS: KEYS } : {};
}

/** With which the tests themselves talk with Restate. */
export function testEncryption(encrypted: boolean = isEncrypted()): JournalEncryption | undefined {
  return encrypted ? journalEncryption({ keys: KEYS }) : undefined;
}
