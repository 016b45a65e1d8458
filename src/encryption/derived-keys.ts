/**
 * XAES-256-GCM (https://c2sp.org/XAES-256-GCM) by Web Crypto: AES-256-GCM under a key that is derived from the secret and
 * the first 12 bytes of a nonce of 24.
 *
 * Why not AES-256-GCM with the secret itself: with random nonces of 96 bits a key is good for 2^32 values (NIST SP
 * 800-38D, 8.3), which a busy app stores in weeks, and one nonce used twice gives both values and the key of the tags away.
 * With 192 bits, 2^80 values of a secret are as far from a repetition. It is AES-256-GCM on the wire of AES alone: no
 * primitive that Web Crypto lacks, and test vectors of the specification.
 */
import { SECRET_BYTES } from "./journal-keys.ts";

/** Bytes of a nonce that choose the derived key. */
export const PREFIX_BYTES = 12;

const BLOCK = 16;
const ZERO_IV = new Uint8Array(BLOCK);

/** A secret, ready to derive keys. */
export interface Deriver {
  readonly block: CryptoKey;
  /** CMAC's first subkey. */
  readonly subkey: Uint8Array<ArrayBuffer>;
}

/** Prepares a secret of 32 bytes. */
export async function deriverOf(secret: Uint8Array<ArrayBuffer>): Promise<Deriver> {
  const block = await crypto.subtle.importKey("raw", secret, "AES-CBC", false, ["encrypt"]);
  return { block, subkey: doubled(await encryptBlock(block, new Uint8Array(BLOCK))) };
}

/** The key for values whose nonce begins with `prefix`. */
export async function deriveKey({ block, subkey }: Deriver, prefix: Uint8Array): Promise<CryptoKey> {
  const halves = await Promise.all([1, 2].map((counter) => encryptBlock(block, message(counter, prefix, subkey))));
  const raw = new Uint8Array(SECRET_BYTES);
  for (const [index, half] of halves.entries()) raw.set(half, index * BLOCK);
  return crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
}

/** `00`, counter, "X", `00`, prefix, and over it the subkey: CMAC of one whole block. */
function message(counter: number, prefix: Uint8Array, subkey: Uint8Array): Uint8Array<ArrayBuffer> {
  const block = Uint8Array.from([0, counter, 0x58, 0, ...prefix]);
  return block.map((byte, index) => byte ^ (subkey[index] ?? 0));
}

/** CBC with an IV of zeros: its first block is AES of the block; the second one is padding. */
async function encryptBlock(key: CryptoKey, block: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await crypto.subtle.encrypt({ name: "AES-CBC", iv: ZERO_IV }, key, block);
  return new Uint8Array(bytes, 0, BLOCK);
}

/** Times x in GF(2^128), as CMAC makes its subkeys (NIST SP 800-38B, 6.1). */
function doubled(block: Uint8Array): Uint8Array<ArrayBuffer> {
  const result = Uint8Array.from(block, (byte, index) => ((byte << 1) & 0xff) | ((block[index + 1] ?? 0) >> 7));
  const carry = (block[0] ?? 0) >> 7;
  result[BLOCK - 1] = (result[BLOCK - 1] ?? 0) ^ (carry * 0x87); // No branch: the bit is secret.
  return result;
}
