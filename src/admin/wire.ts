/**
 * Names: Restate's Admin API writes `snake_case`, this library and its HTTP face write `camelCase`. This is the one place
 * that knows both.
 *
 * - W1 Names are translated mechanically, but for the few of RENAMED.
 * - W2 What users named (headers, metadata, Kafka properties) and JSON schemas pass unchanged: OPAQUE.
 * - W3 `null` in an answer means absent, and is left out.
 */

/** Restate's name → ours. */
const RENAMED: ReadonlyMap<string, string> = new Map([
  ["ty", "type"],
  ["use_http_11", "http11"],
  ["additional_headers", "headers"],
  ["GoogleIdToken", "googleIdToken"],
  ["last_modified_millis_since_epoch", "lastModifiedMs"],
]);

/** Our name → Restate's. No request has a `ty`; `type` is a name of requests too. */
const RENAMED_BACK: ReadonlyMap<string, string> = new Map(
  [...RENAMED].flatMap(([theirs, ours]) => (ours === "type" ? [] : [[ours, theirs]])),
);

/** Our names of what holds names of somebody else. */
const OPAQUE: ReadonlySet<string> = new Set([
  "features",
  "headers",
  "inputJsonSchema",
  "metadata",
  "newState",
  "options",
  "outputJsonSchema",
  "properties",
]);

/** Restate's name in ours: `created_at` is `createdAt`. */
export function ourName(theirs: string): string {
  return RENAMED.get(theirs) ?? theirs.replaceAll(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());
}

/** Our name in Restate's: `dryRun` is `dry_run`. */
export function theirName(ours: string): string {
  return RENAMED_BACK.get(ours) ?? ours.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** True when what a property holds is not translated. */
export function isOpaque(ours: string): boolean {
  return OPAQUE.has(ours);
}

/** An answer of Restate, in our names. */
export function fromWire(value: unknown): unknown {
  return translate(value, ourName, (_theirs, ours) => OPAQUE.has(ours));
}

/** What is sent to Restate, in its names. What is undefined is left out. */
export function toWire(value: unknown): unknown {
  return translate(value, theirName, (ours) => OPAQUE.has(ours));
}

function translate(
  value: unknown,
  rename: (name: string) => string,
  opaque: (from: string, to: string) => boolean,
): unknown {
  if (Array.isArray(value)) return value.map((item) => translate(item, rename, opaque));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).flatMap(([from, held]: [string, unknown]) => {
    if (held === null || held === undefined) return [];
    const to = rename(from);
    return [[to, opaque(from, to) ? held : translate(held, rename, opaque)] as const];
  });
  return Object.fromEntries(entries);
}
