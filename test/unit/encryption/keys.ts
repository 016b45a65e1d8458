import type { JournalKey } from "../../../src/encryption/journal-keys.ts";

/** A key with a random secret. */
export function journalKey(id: string): JournalKey {
  return { id, secret: crypto.getRandomValues(new Uint8Array(32)) };
}
