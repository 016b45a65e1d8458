import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { deriveKey, deriverOf } from "../../../src/encryption/derived-keys.ts";
import { JournalCipher } from "../../../src/encryption/journal-cipher.ts";
import { parseJournalKeys } from "../../../src/encryption/journal-keys.ts";
import { keyIdOf, overheadBytes } from "../../../src/encryption/sealed-value.ts";
import { THOROUGH } from "../../thorough.ts";
import { journalKey } from "./keys.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** https://c2sp.org/XAES-256-GCM, "Test vectors" */
test.each([
  { byte: 1, aad: "", expected: "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271" },
  { byte: 3, aad: "c2sp.org/XAES-256-GCM", expected: "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d" },
])("keys are derived as the specification's vector with key $byte says", async ({ byte, aad, expected }) => {
  const nonce = utf8("ABCDEFGHIJKLMNOPQRSTUVWX");
  const key = await deriveKey(await deriverOf(new Uint8Array(32).fill(byte)), nonce.slice(0, 12));
  const parameters = { name: "AES-GCM", iv: nonce.slice(12), additionalData: utf8(aad) };
  const sealed = await crypto.subtle.encrypt(parameters, key, utf8("XAES-256-GCM"));
  expect(hex(new Uint8Array(sealed))).toBe(expected);
});

/** The same page: 10,000 random keys, nonces and texts, and one digest of all that is made of them. */
test.runIf(THOROUGH)("the specification's accumulated vector", async () => {
  const source = createHash("shake128", { outputLength: 4_000_000 }).digest();
  const digest = createHash("shake128", { outputLength: 32 });
  let at = 0;
  const read = (length: number): Uint8Array<ArrayBuffer> => Uint8Array.from(source.subarray(at, (at += length)));
  const readText = (): Uint8Array<ArrayBuffer> => read(read(1)[0] ?? 0);
  for (let n = 0; n < 10_000; n++) {
    const [secret, nonce, plain, additionalData] = [read(32), read(24), readText(), readText()];
    const key = await deriveKey(await deriverOf(secret), nonce.slice(0, 12));
    const parameters = { name: "AES-GCM", iv: nonce.slice(12), additionalData };
    digest.update(new Uint8Array(await crypto.subtle.encrypt(parameters, key, plain)));
  }
  expect(digest.digest("hex")).toBe("e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939");
});

test("a value is as long as was said, has none of the plaintext, and opens", async () => {
  const cipher = new JournalCipher([journalKey("k1")]);
  const plain = utf8("the quick brown fox jumps over the lazy dog");
  const { length, sealed } = cipher.begin(plain);
  const bytes = await sealed;
  expect(bytes.length).toBe(length);
  expect(bytes.length - plain.length).toBe(overheadBytes("k1"));
  expect(overheadBytes("k1")).toBe(46);
  expect(keyIdOf(bytes)).toBe("k1");
  expect(Buffer.from(bytes).includes("quick")).toBe(false);
  expect(await cipher.open(bytes)).toEqual(plain);
});

test("a value that is begun is copied", async () => {
  const cipher = new JournalCipher([journalKey("k1")]);
  const plain = utf8("before");
  const { sealed } = cipher.begin(plain);
  plain.set(utf8("after!"));
  expect(await cipher.open(await sealed)).toEqual(utf8("before"));
});

test("no nonce is used twice", async () => {
  const cipher = new JournalCipher([journalKey("k1")]);
  const sealed = await Promise.all(Array.from({ length: 500 }, () => cipher.seal(utf8("same"))));
  const more = await Promise.all(Array.from({ length: 500 }, () => cipher.seal(utf8("same"))));
  const nonces = new Set([...sealed, ...more].map((bytes) => hex(bytes.subarray(6, 30))));
  expect(nonces.size).toBe(1_000);
});

test("another isolate opens what one wrote, and a rotated list opens both", async () => {
  const [old, next] = [journalKey("old"), journalKey("next")];
  const before = await new JournalCipher([old]).seal(utf8("before"));
  const rotated = new JournalCipher([next, old]);
  const after = await rotated.seal(utf8("after"));
  expect(keyIdOf(after)).toBe("next");
  const reader = new JournalCipher([next, old]);
  expect([await reader.open(before), await reader.open(after)]).toEqual([utf8("before"), utf8("after")]);
});

test("a key that was dropped has an error of its own, which names it and no secret", async () => {
  const [old, next] = [journalKey("old"), journalKey("next")];
  const before = await new JournalCipher([old]).seal(utf8("before"));
  const opening = new JournalCipher([next]).open(before);
  await expect(opening).rejects.toMatchObject({ errorCode: "journal-key-unknown", keyId: "old" });
  const message = await opening.catch((error: unknown) => String(error));
  expect(message).toContain('encrypted with the key "old", and the keys here are: next');
  expect(message).not.toContain(Buffer.from(old.secret).toString("base64"));
});

test("every bit that is changed is noticed", async () => {
  const cipher = new JournalCipher([journalKey("k1"), journalKey("k2")]);
  const sealed = await cipher.seal(utf8("a tool's answer"));
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const changed = Uint8Array.from(sealed);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const errorCode = await cipher.open(changed).then(
      () => "opened",
      (error: unknown) => (error as { errorCode: string }).errorCode,
    );
    expect(errorCode, `bit ${bit}`).toMatch(/^journal-(tampered|key-unknown|plaintext)$/);
  }
});

test("a value that was made for something else does not open", async () => {
  const cipher = new JournalCipher([journalKey("k1")]);
  const sealed = await cipher.seal(utf8("reason"), "failure");
  await expect(cipher.open(sealed, "value")).rejects.toMatchObject({ errorCode: "journal-tampered" });
  expect(await cipher.open(sealed, "failure")).toEqual(utf8("reason"));
});

test("the same id with another secret is told apart from an unknown id", async () => {
  const sealed = await new JournalCipher([journalKey("k1")]).seal(utf8("x"));
  const other = new JournalCipher([journalKey("k1")]);
  await expect(other.open(sealed)).rejects.toMatchObject({ errorCode: "journal-tampered", keyId: "k1" });
});

test("what is not encrypted is refused", async () => {
  const cipher = new JournalCipher([journalKey("k1")]);
  for (const text of ["", "{}", '"text"', "\u00ffE\u0001"]) {
    await expect(cipher.open(utf8(text))).rejects.toMatchObject({ errorCode: "journal-plaintext" });
  }
});

const SECRET = Buffer.alloc(32, 7).toString("base64");

test("the setting is read, with white space and either alphabet of base64", () => {
  const secret = Buffer.alloc(32, 0xfb);
  const keys = parseJournalKeys(` a:${secret.toString("base64url")} , b:${secret.toString("base64")},`);
  expect(keys.map(({ id, secret: bytes }) => [id, hex(bytes)])).toEqual([
    ["a", secret.toString("hex")],
    ["b", secret.toString("hex")],
  ]);
});

test.each([
  ["", "there is none"],
  [SECRET, "the id of key 1 is malformed"],
  [`:${SECRET}`, "the id of key 1 is malformed"],
  [`a b:${SECRET}`, "the id of key 1 is malformed"],
  [`${"x".repeat(17)}:${SECRET}`, "the id of key 1 is malformed"],
  [`a:${SECRET},b:c2hvcnQ=`, 'the secret of key "b" has not 32 bytes'],
  [`a:${SECRET},b:!!`, 'the secret of key "b" has not 32 bytes'],
  [`a:${SECRET},a:${SECRET}`, 'the id "a" is there twice'],
])("the setting %j is refused: %s", (setting, reason) => {
  expect(() => parseJournalKeys(setting)).toThrow(reason);
  expect(() => parseJournalKeys(setting)).not.toThrow(SECRET);
});
