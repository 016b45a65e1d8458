/**
 * Safe reading of unknown errors. Anything can be thrown, also objects whose accessors throw, proxies and strings;
 * looking at a failure must never raise another one.
 */

/** Longest text taken over from a foreign error, in characters. */
const MAX_DETAIL_LENGTH = 2_000;

/** A property of an unknown value; undefined if there is none or if reading it throws. */
export function readProperty(value: unknown, name: PropertyKey): unknown {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return undefined;
  try {
    return Reflect.get(value, name);
  } catch {
    return undefined;
  }
}

/** A property that is a non-empty string. */
export function readString(value: unknown, name: PropertyKey): string | undefined {
  const property = readProperty(value, name);
  return typeof property === "string" && property !== "" ? property : undefined;
}

/** A property that is a finite number. */
export function readNumber(value: unknown, name: PropertyKey): number | undefined {
  const property = readProperty(value, name);
  return typeof property === "number" && Number.isFinite(property) ? property : undefined;
}

/** An error's message, bounded and without keys. Always a non-empty text. */
export function readMessage(error: unknown): string {
  const message = typeof error === "string" ? error : readString(error, "message");
  if (message !== undefined && message !== "") return boundText(redactSecrets(message));
  const name = readString(error, "name") ?? readString(readProperty(error, "constructor"), "name");
  if (name !== undefined) return boundText(name);
  return error === null || typeof error !== "object" ? String(error) : "unknown error";
}

/** Cuts a text that would blow up messages, which Restate stores and shows. */
export function boundText(text: string): string {
  return text.length <= MAX_DETAIL_LENGTH ? text : `${text.slice(0, MAX_DETAIL_LENGTH)}… (${text.length} characters)`;
}

const SECRETS: readonly RegExp[] = [
  /\b(sk|pk|rk|gsk|xai)-[\w-]{8,}/g,
  /\bAIza[\w-]{20,}/g,
  /\bBearer\s+[\w.~+/=-]{8,}/gi,
  /(?<=[?&](?:api[-_]?)?(?:key|token)=)[^&\s"']+/gi,
];

/** Blanks what looks like an API key: some providers repeat the key that they refuse. */
export function redactSecrets(text: string): string {
  return SECRETS.reduce((rest, secret) => rest.replace(secret, "[redacted]"), text);
}

/** `type.isInstance(error)`, which must not fail on a weird value. */
export function isSafely<T>(type: { isInstance(error: unknown): error is T }, error: unknown): error is T {
  try {
    return type.isInstance(error);
  } catch {
    return false;
  }
}
