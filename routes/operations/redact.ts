/** Names of settings whose values are secrets. */
const SECRET_NAME =
  /TOKEN|KEY|SECRET|PASSWORD|PASSWD|PASSPHRASE|PWD|CREDENTIAL|PRIVATE|PEM|WEBHOOK|AUTH|HEADERS|COOKIE|DSN/i;
/** A shell's folders: without them no stack would tell where. */
const FOLDER_NAME = /^(OLD)?PWD$/;
/** Shorter values are found in ordinary words. */
const MIN_SECRET_LENGTH = 8;
const HIDDEN = "[hidden]";
const MAX_CAUSES = 5;

/**
 * Text of an error and its causes, for a log: their stacks, without the values of secret settings, bearer tokens, and
 * credentials in URLs.
 */
export function describeFailure(error: unknown, settings: Readonly<Record<string, unknown>>): string {
  return withoutSecrets(stacksOf(error), settings);
}

function withoutSecrets(text: string, settings: Readonly<Record<string, unknown>>): string {
  let result = text
    .replaceAll(/\b(Bearer|Basic)\s+[\w.~+/=-]+/gi, `$1 ${HIDDEN}`)
    .replaceAll(/:\/\/[^\s/@]+@/g, `://${HIDDEN}@`);
  for (const secret of secretsOf(settings)) result = result.replaceAll(secret, HIDDEN);
  return result;
}

/** The longest first: one may be part of another. */
function secretsOf(settings: Readonly<Record<string, unknown>>): string[] {
  const values = Object.entries(settings).flatMap(([name, value]) =>
    typeof value === "string" && SECRET_NAME.test(name) && !FOLDER_NAME.test(name)
      ? [value, ...value.split(/[,=:\r\n]|\\n/)]
      : [],
  );
  const secrets = values.map((value) => value.trim()).filter((value) => value.length >= MIN_SECRET_LENGTH);
  return [...new Set(secrets)].toSorted((a, b) => b.length - a.length);
}

function stacksOf(error: unknown): string {
  const stacks: string[] = [];
  let next = error;
  while (next !== undefined && stacks.length < MAX_CAUSES) {
    stacks.push(next instanceof Error ? (next.stack ?? `${next.name}: ${next.message}`) : textOf(next));
    next = next instanceof Error ? next.cause : undefined;
  }
  return stacks.join("\nCaused by: ");
}

function textOf(thrown: unknown): string {
  return typeof thrown === "string" ? thrown : `A thrown ${typeof thrown}`;
}
