import { EdgeAgentError } from "../errors/edge-agent-error.ts";

const PREFIX = "publickeyv1_";
const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const KEY_BYTES = 32;

/** An identity key that is none. Nothing is served with it: a typing error must not open the endpoint. */
export class IdentityKeyError extends EdgeAgentError {
  override name = "IdentityKeyError";

  constructor(key: string, problem: string) {
    super({
      errorCode: "identity-key-malformed",
      message: `Cannot use the identity key "${shortened(key)}": ${problem}. Copy it from Restate: ${PREFIX} and the base58 form of an ed25519 public key`,
      status: 503,
    });
  }
}

/**
 * The keys of a comma-separated setting; several, so that keys can rotate.
 *
 * @throws IdentityKeyError naming the first malformed one.
 */
export function parseIdentityKeys(setting: string | undefined): string[] {
  const keys = (setting ?? "").split(",").map((key) => key.trim());
  return keys.filter((key) => key !== "").map(checked);
}

function checked(key: string): string {
  if (!key.startsWith(PREFIX)) throw new IdentityKeyError(key, `it does not begin with ${PREFIX}`);
  const bytes = base58Length(key.slice(PREFIX.length));
  if (bytes === undefined) throw new IdentityKeyError(key, "it has a character that is not base58");
  if (bytes !== KEY_BYTES) throw new IdentityKeyError(key, `it has ${bytes} bytes, not ${KEY_BYTES}`);
  return key;
}

/** Enough to find it in the setting. Anyone may read it, and what is no public key may be a secret in the wrong place. */
function shortened(key: string): string {
  const shown = key.startsWith(PREFIX) ? PREFIX.length + 8 : 4;
  return key.length > shown ? `${key.slice(0, shown)}…` : key;
}

/** Number of bytes that a base58 text stands for; undefined when it is none. */
function base58Length(text: string): number | undefined {
  let value = 0n;
  for (const character of text) {
    const digit = BASE58.indexOf(character);
    if (digit < 0) return undefined;
    value = value * 58n + BigInt(digit);
  }
  const zeros = /^1*/.exec(text)?.[0].length ?? 0;
  const digits = value === 0n ? 0 : Math.ceil(value.toString(16).length / 2);
  return zeros + digits;
}
