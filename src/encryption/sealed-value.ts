/**
 * How an encrypted value is stored. A contract: journals and states outlive the version that wrote them.
 *
 * | bytes | what |
 * |---|---|
 * | 1 | `FF`: begins no UTF-8 text, so no JSON |
 * | 1 | `45` ("E") |
 * | 1 | version: `01`, XAES-256-GCM |
 * | 1 | length of the key's id |
 * | 1–16 | id of the key, ASCII |
 * | 24 | nonce |
 * | … | ciphertext, as long as the value |
 * | 16 | authentication tag |
 *
 * What stands before the nonce is authenticated, and so is what the value is for, which is not stored.
 */

/** Bytes of a nonce: 12 choose the derived key, 12 are AES-GCM's. */
export const NONCE_BYTES = 24;
/** Bytes of the authentication tag. */
export const TAG_BYTES = 16;

const MARK = 0xff;
const LETTER = 0x45;
const VERSION = 1;
const FIXED_BYTES = 4;

/** Ids of keys. */
export const KEY_ID: RegExp = /^[A-Za-z0-9_-]{1,16}$/;

/** The parts of an encrypted value. */
export interface SealedValue {
  readonly keyId: string;
  /** What stands before the nonce. */
  readonly header: Uint8Array<ArrayBuffer>;
  readonly nonce: Uint8Array<ArrayBuffer>;
  /** Ciphertext and tag. */
  readonly content: Uint8Array<ArrayBuffer>;
}

/** What stands before the nonce of values that the key encrypts. */
export function headerOf(keyId: string): Uint8Array<ArrayBuffer> {
  const id = new TextEncoder().encode(keyId);
  return Uint8Array.from([MARK, LETTER, VERSION, id.length, ...id]);
}

/** Bytes that encryption adds to a value. */
export function overheadBytes(keyId: string): number {
  return FIXED_BYTES + keyId.length + NONCE_BYTES + TAG_BYTES;
}

/** The parts of an encrypted value, copied; undefined for what is none, such as JSON. */
export function readSealed(bytes: Uint8Array): SealedValue | undefined {
  const keyId = keyIdOf(bytes);
  if (keyId === undefined) return undefined;
  const nonceAt = FIXED_BYTES + keyId.length;
  const contentAt = nonceAt + NONCE_BYTES;
  const own = new Uint8Array(bytes);
  return {
    keyId,
    header: own.subarray(0, nonceAt),
    nonce: own.subarray(nonceAt, contentAt),
    content: own.subarray(contentAt),
  };
}

/** Id of the key that a value was encrypted with; undefined for what is not encrypted. */
export function keyIdOf(bytes: Uint8Array): string | undefined {
  const [mark, letter, version, idLength = 0] = bytes;
  if (mark !== MARK || letter !== LETTER || version !== VERSION || idLength === 0) return undefined;
  if (bytes.length < FIXED_BYTES + idLength + NONCE_BYTES + TAG_BYTES) return undefined;
  const id = String.fromCharCode(...bytes.subarray(FIXED_BYTES, FIXED_BYTES + idLength));
  return KEY_ID.test(id) ? id : undefined; // It is shown, so others are not even read.
}
