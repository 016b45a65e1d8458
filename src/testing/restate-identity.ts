/** Signs requests as restate-server does: an EdDSA JWT over the protocol path without the deployment's own prefix. */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";

const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const ED25519_SPKI_HEADER_BYTES = 12;

/** What is signed, when it is not what an honest and punctual Restate would sign. */
export interface Claims {
  /** Seconds that the signature is away from now. */
  readonly ageSeconds?: number;
  /** The key's name in the header. Default: its own. */
  readonly kid?: string;
}

/** The identity of one Restate. */
export class RestateIdentity {
  /** As in `RESTATE_IDENTITY_KEYS`. */
  readonly publicKey: string;
  /** As in the file of `RESTATE_REQUEST_IDENTITY_PRIVATE_KEY_PEM_FILE`. */
  readonly privateKeyPem: string;
  readonly #privateKey: KeyObject;

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const raw = publicKey.export({ type: "spki", format: "der" }).subarray(ED25519_SPKI_HEADER_BYTES);
    this.publicKey = `publickeyv1_${base58(raw)}`;
    this.privateKeyPem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    this.#privateKey = privateKey;
  }

  /** The headers of a request to `path`. */
  headers(path: string, { ageSeconds = 0, kid = this.publicKey }: Claims = {}): Record<string, string> {
    const now = Math.floor(Date.now() / 1000) - ageSeconds;
    const header = { typ: "JWT", alg: "EdDSA", kid };
    const claims = { aud: path, iat: now, nbf: now - 60, exp: now + 60 };
    return { "x-restate-signature-scheme": "v1", "x-restate-jwt-v1": this.token(header, claims) };
  }

  /** A JWT of this header and these claims, signed by this identity, whatever the header says. */
  token(header: unknown, claims: unknown): string {
    const signed = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
    return `${signed}.${sign(null, Buffer.from(signed), this.#privateKey).toString("base64url")}`;
  }
}

/** Base58 as Bitcoin and Restate write it. */
export function base58(bytes: Uint8Array): string {
  let value = BigInt(`0x0${Buffer.from(bytes).toString("hex")}`);
  let digits = "";
  for (; value > 0n; value /= 58n) digits = `${BASE58[Number(value % 58n)]}${digits}`;
  const zeros = bytes.findIndex((byte) => byte !== 0);
  return "1".repeat(zeros < 0 ? bytes.length : zeros) + digits;
}
