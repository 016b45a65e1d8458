/** The keys that encrypt journals, and how they are written in a setting. */
import { DefinitionError } from "../errors/definition-error.ts";
import { fromBase64 } from "../journal/base64.ts";
import { KEY_ID } from "./sealed-value.ts";

/** A secret with a name. The name is stored with each value; the secret is 32 bytes of good randomness. */
export interface JournalKey {
  /** 1 to 16 letters, digits, `-` and `_`. Never used again for another secret. */
  readonly id: string;
  /** 32 bytes. */
  readonly secret: Uint8Array<ArrayBuffer>;
}

/** Bytes of a secret: AES-256. */
export const SECRET_BYTES = 32;

/** What is wrong with a setting, for messages that must not show the setting. */
export const JOURNAL_KEYS_RULE =
  '"id:secret", comma-separated; an id has 1 to 16 letters, digits, "-" and "_", a secret is 32 random bytes in base64 (openssl rand -base64 32)';

/**
 * Reads `JOURNAL_KEYS`: `id:base64,id:base64`. The first key encrypts, all of them decrypt.
 *
 * @throws DefinitionError when it is malformed, is empty, or has an id twice. No secret is in the message.
 *
 * @example
 * ```ts
 * parseJournalKeys("2026-11:q83v…=,2026-05:EjRW…=");
 * ```
 */
export function parseJournalKeys(setting: string): readonly JournalKey[] {
  const keys = setting
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part) => {
      const at = part.indexOf(":");
      return { id: part.slice(0, Math.max(at, 0)), secret: secretOf(part.slice(at + 1)) };
    });
  return checkedKeys(keys);
}

/** @throws DefinitionError when one of them is malformed, when there is none, and when an id is there twice. */
export function checkedKeys(keys: readonly JournalKey[]): readonly JournalKey[] {
  if (keys.length === 0) throw malformed("there is none");
  const ids = new Set<string>();
  for (const [index, { id, secret }] of keys.entries()) {
    if (!KEY_ID.test(id)) throw malformed(`the id of key ${index + 1} is malformed`);
    if (secret.length !== SECRET_BYTES) throw malformed(`the secret of key "${id}" has not ${SECRET_BYTES} bytes`);
    if (ids.has(id)) throw malformed(`the id "${id}" is there twice`);
    ids.add(id);
  }
  return keys;
}

/** No bytes when it is no base64. Both alphabets are read. */
function secretOf(text: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(fromBase64(text.replaceAll("-", "+").replaceAll("_", "/")));
  } catch {
    return new Uint8Array();
  }
}

function malformed(what: string): DefinitionError {
  return new DefinitionError(`Cannot use the keys that encrypt journals: ${what}. They are ${JOURNAL_KEYS_RULE}`);
}
