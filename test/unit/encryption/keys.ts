import type { JournalKey } from "../../../src/encryption/journal-keys.ts";

/** A key with a random secret. */
export function journalKey(id: string): JournalKey {
  return { id, secret: crypto.getRandomValues(new Uint8Array(32)) };
}

/** Keys as the setting `JOURNAL_KEYS` has them. */
export function journalKeysSetting(...keys: readonly JournalKey[]): string {
  return keys.map(({ id, secret }) => `${id}:${Buffer.from(secret).toString("base64")}`).join(",");
}
