/**
 * Settings that encrypt what Restate is told, when the environment variable `JOURNALS` is `encrypted`: so that tests through
 * the app's own face run once more, and see no difference.
 */
export function encryptionVars(): Readonly<Record<string, string>> {
  return process.env["JOURNALS"] === "encrypted" ? { JOURNAL_KEYS: `test:${SECRET}` } : {};
}

/** Of the tests. */
const SECRET: string = Buffer.alloc(32, "a secret of the tests").toString("base64");
