/** What whoever runs Restate may put in the place of a value: it is refused with a code of this library's, whatever it is. */
import { expect, test } from "vitest";
import { openedBytes, openedRow } from "../../../src/admin/encrypted.ts";
import { JournalCipher } from "../../../src/encryption/journal-cipher.ts";
import { journalEncryption } from "../../../src/encryption/journal-encryption.ts";
import { openedError, openFailure, sealedError, sealFailure } from "../../../src/encryption/failures.ts";
import { parseJournalKeys } from "../../../src/encryption/journal-keys.ts";
import { DefinitionError } from "../../../src/errors/definition-error.ts";
import { JournalValueError } from "../../../src/errors/journal-value-error.ts";
import { toBase64 } from "../../../src/journal/base64.ts";
import { RestateError, TerminalError } from "../../../src/restate.ts";
import { fakeNumbers } from "../../../src/testing/fake-plain.ts";
import { seedOf, times } from "../../thorough.ts";
import { journalKey } from "./keys.ts";

const encryption = journalEncryption({ keys: [journalKey("k1"), journalKey("k2")] });
const { cipher } = encryption;
const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
const numbers = fakeNumbers(seedOf("adversarial values"));
const below = (limit: number): number => Math.floor(numbers() * limit);
const noise = (length: number): Uint8Array => Uint8Array.from({ length }, () => below(256));

/** What may be done to a value that was encrypted. */
const CHANGES: readonly ((value: Uint8Array, other: Uint8Array) => Uint8Array)[] = [
  (value) => value.with(below(value.length), below(256)),
  (value) => value.subarray(0, below(value.length)),
  (value) => value.subarray(below(value.length)),
  (value) => Uint8Array.from([...value, ...noise(1 + below(40))]),
  (value, other) => {
    const at = below(value.length);
    return Uint8Array.from([...value.subarray(0, at), ...other.subarray(at)]);
  },
  (value) => value.with(3, below(256)),
  (value) => value.with(5, 0x33 + below(7)),
  () => noise(below(200)),
  () => Uint8Array.from([0xff, 0x45, 1, ...noise(below(120))]),
  () => Uint8Array.from([0xff, 0x45, 1, 2, 0x6b, 0x31, ...noise(below(90))]),
];

/** The code that something is refused with; fails for every other failure. */
async function codeOf(action: () => Promise<unknown>): Promise<string> {
  try {
    await action();
    return "opened";
  } catch (error) {
    if (!(error instanceof JournalValueError)) throw error;
    // oxlint-disable-next-line no-control-regex -- what is shown must not be able to forge a line
    expect(error.message).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    return error.errorCode;
  }
}

test("10,000 values that nobody has encrypted are refused, each with a code", async () => {
  const seeds = await Promise.all(
    [0, 1, 40, 400].map(
      async (length) => [await cipher.seal(noise(length)), await cipher.seal(noise(length))] as const,
    ),
  );
  const codes: Record<string, number> = {};
  for (let n = 0; n < 10_000; n++) {
    const [value, other] = seeds[n % seeds.length] ?? [noise(1), noise(1)];
    const changed = CHANGES[n % CHANGES.length]?.(value, other) ?? value;
    const isSame = [value, other].some((own) => Buffer.from(own).equals(changed));
    const code = await codeOf(() => cipher.open(changed));
    if (!isSame) expect(code, `${n}: ${Buffer.from(changed).toString("hex")}`).not.toBe("opened");
    codes[code] = (codes[code] ?? 0) + 1;
  }
  for (const code of ["journal-key-unknown", "journal-plaintext", "journal-tampered"]) {
    expect(codes[code], code).toBeGreaterThan(100);
  }
});

test("so are failures, and who operates the app sees them as they are", async () => {
  const { message: sealed } = await sealFailure(cipher, { message: "a reason" });
  for (let n = 0; n < times(2_000, 300); n++) {
    const base64 = [
      toBase64(noise(1 + below(100))),
      toBase64(Uint8Array.from([0xff, 0x45, 1, 2, 0x6b, 0x31, ...noise(60)])),
      "A".repeat(1 + below(9)),
      `${"/".repeat(below(8))}A=====`,
      sealed.slice("[encrypted k1] ".length, -4 - below(50)),
    ][n % 5];
    const message = `[encrypted ${["k1", "k2", "k3", "x".repeat(16)][below(4)]}] ${base64}`;
    const code = await codeOf(() => openFailure(cipher, { message }));
    expect(code, message).toMatch(/^journal-(tampered|key-unknown)$/);
    const row = { last_failure: message, n, event_json: JSON.stringify({ message }) };
    expect(await openedRow(encryption, row)).toEqual(row);
  }
  const bytes = noise(80);
  expect(await openedBytes(encryption, bytes)).toBe(bytes);
});

test.each(["[encrypted k1] AAAA", "[encrypted k9] /0UBAms5", "[encrypted k1] A===="])(
  "a tool that says %s breaks no run: that is encrypted, with its facts, and read again",
  async (message) => {
    const error = new TerminalError(message, { errorCode: 422, metadata: { account: "DE02" } });
    const sealed = await sealedError(cipher, error);
    if (!(sealed instanceof TerminalError)) throw new Error("It is no terminal error any more");
    expect(JSON.stringify([sealed.message, sealed.metadata])).not.toContain("DE02");
    const { metadata = {} } = sealed;
    const opened = await openedError(cipher, new TerminalError(sealed.message, { errorCode: 422, metadata }));
    expect(opened).toMatchObject({ message, code: 422, metadata: { account: "DE02" } });
  },
);

test("an error of the SDK's class that a handler made is encrypted", async () => {
  const sealed = await sealedError(cipher, new RestateError("no funds in DE02", { errorCode: 500 }));
  expect(String(sealed)).not.toContain("DE02");
});

test("malformed settings are refused, and none of them is told", () => {
  const secret = Buffer.from(noise(32)).toString("base64");
  for (let n = 0; n < 500; n++) {
    const at = below(secret.length);
    const setting = `k1:${secret.slice(0, at)}${["", ":", ",", "\n", "\u{1f511}", " "][n % 6]}${secret.slice(at + 1)}`;
    try {
      parseJournalKeys(setting);
    } catch (error) {
      expect(error).toBeInstanceOf(DefinitionError);
      for (const part of [secret.slice(0, at), secret.slice(at + 1)]) {
        if (part.length > 8) expect(String(error)).not.toContain(part);
      }
    }
  }
});

test("a key that has the id of another opens nothing of it, however often it is tried", async () => {
  const other = new JournalCipher([journalKey("k1")]);
  const sealed = await Promise.all(Array.from({ length: 50 }, (_, n) => cipher.seal(utf8(`value ${n}`))));
  for (const value of sealed) expect(await codeOf(() => other.open(value))).toBe("journal-tampered");
});
