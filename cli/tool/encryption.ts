/** The app's keys, where the tool's environment has them: it shows what they encrypted, and encrypts what it sends. */
import { type JournalEncryption, journalEncryption } from "../../src/encryption/journal-encryption.ts";
import type { Environment } from "./tool.ts";
import { usageError } from "./tool-error.ts";

/**
 * @throws ToolError `journal-keys-invalid`
 */
export function encryptionOf(environment: Environment): JournalEncryption | undefined {
  const keys = environment["JOURNAL_KEYS"]?.trim() ?? "";
  if (keys === "") return undefined;
  try {
    return journalEncryption({ keys, plaintext: "accept" });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw usageError("journal-keys-invalid", message, "Correct JOURNAL_KEYS in the environment, or unset it");
  }
}
