/** Blobs that only the app can read. */
import type { BlobStore } from "../journal/blob-store.ts";
import type { JournalEncryption } from "./journal-encryption.ts";

/**
 * A store whose content is encrypted with the app's keys. Keys of blobs stay: they are hashes of the content, so whoever has
 * the store can tell that two are the same, or that one is a file that they have. Blobs that are not encrypted yet are read as
 * `plaintext` says.
 *
 * @throws (its methods) JournalKeyUnknownError, JournalTamperedError, JournalPlaintextError: transient, so nothing is lost.
 * @example
 * ```ts
 * const store = encryptedBlobStore(r2BlobStore(() => env.BLOBS), journalEncryption({ keys: env.JOURNAL_KEYS }));
 * ```
 */
export function encryptedBlobStore(store: BlobStore, encryption: JournalEncryption): BlobStore {
  return {
    put: async (key, bytes) => store.put(key, await encryption.sealBlob(bytes)),
    get: async (key) => {
      const stored = await store.get(key);
      return stored === undefined ? undefined : encryption.openBlob(stored);
    },
  };
}
