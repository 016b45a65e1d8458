import { type EncryptionOption, encryptionOf } from "../encryption.ts";
import type { Settings } from "../settings.ts";
import { type Finding, pass, skip } from "./check.ts";

/** Whether what Restate is told is encrypted. Keys that are malformed fail the check: then nothing is served. */
export function checkEncryption(settings: Settings, option: EncryptionOption): Finding {
  const encryption = encryptionOf(settings, option);
  if (encryption === undefined) return skip("JOURNAL_KEYS is not set, so journals are not encrypted");
  const count = encryption.keyIds.length;
  const keys = count === 1 ? "1 key" : `${count} keys`;
  const lenient = encryption.plaintext === "refuse" ? "" : "; plaintext is taken, too, as JOURNAL_PLAINTEXT says";
  return pass(`Journals are encrypted: ${keys}${lenient}`);
}
