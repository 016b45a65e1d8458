/** Which settings are secret: the same for what is never printed, and for what `doctor` looks for. */

/** `*_KEY` too: whoever names a setting so, keeps one in it. */
const SECRET_NAME = /(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|API_?KEY|_KEY)S?(?:_\d+)?$/i;
const HEADERS_NAME = /OTLP_(?:\w+_)?HEADERS$/i;
/** Halves of pairs that everybody may see. */
const PUBLIC_NAME = /(?:PUBLIC|IDENTITY)_KEYS?$/i;

/** Shorter values are words that appear by chance. */
const SHORTEST = 6;

/** True for a name such as `RESTATE_AUTH_TOKEN`, `SIGNING_KEY` or `OTEL_EXPORTER_OTLP_HEADERS`. */
export function isSecretName(name: string): boolean {
  return (SECRET_NAME.test(name) && !PUBLIC_NAME.test(name)) || isHeadersName(name);
}

/** True for a setting whose value is a list of headers, `name=value,…`. */
export function isHeadersName(name: string): boolean {
  return HEADERS_NAME.test(name);
}

/** False for what cannot be a secret, whatever it is called: a number, such as that of MAX_TOKENS, and what is short. */
export function isSecretValue(value: string): boolean {
  const text = value.trim();
  return text.length >= SHORTEST && !/^\d+$/.test(text);
}
