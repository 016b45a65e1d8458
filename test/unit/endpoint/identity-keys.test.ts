import { expect, test } from "vitest";
import { parseIdentityKeys } from "../../../src/endpoint/identity-keys.ts";
import { base58, RestateIdentity } from "../../../src/testing/restate-identity.ts";

const key = (bytes: Uint8Array): string => `publickeyv1_${base58(bytes)}`;

test("keys of any ed25519 identity are taken", () => {
  for (let n = 0; n < 100; n++) {
    const { publicKey } = new RestateIdentity();
    expect(parseIdentityKeys(publicKey)).toEqual([publicKey]);
  }
});

test("keys that begin with zero bytes are taken", () => {
  const zeros = key(new Uint8Array(32));
  const leading = key(new Uint8Array(32).fill(9, 2));
  expect(parseIdentityKeys(`${zeros},${leading}`)).toEqual([zeros, leading]);
});

test("several keys are separated by commas; whitespace and empty places are ignored", () => {
  const [a, b] = [new RestateIdentity().publicKey, new RestateIdentity().publicKey];
  expect(parseIdentityKeys(` ${a} ,\n\t${b},, `)).toEqual([a, b]);
});

test.each([undefined, "", "  ", ",", " , "])("%j holds no key", (setting) => {
  expect(parseIdentityKeys(setting)).toEqual([]);
});

test.each([
  ["another prefix", "publickeyv2_abc", "it does not begin with publickeyv1_"],
  ["no prefix", base58(new Uint8Array(32).fill(7)), "it does not begin with publickeyv1_"],
  ["31 bytes", key(new Uint8Array(31).fill(7)), "it has 31 bytes, not 32"],
  ["33 bytes", key(new Uint8Array(33).fill(7)), "it has 33 bytes, not 32"],
  ["33 bytes, the first of them zero", key(new Uint8Array(33).fill(7, 1)), "it has 33 bytes, not 32"],
  ["nothing after the prefix", "publickeyv1_", "it has 0 bytes, not 32"],
  [
    "a 0, which base58 has not",
    `${key(new Uint8Array(32).fill(7)).slice(0, -1)}0`,
    "it has a character that is not base58",
  ],
  ["quotes around it", `"${key(new Uint8Array(32).fill(7))}"`, "it does not begin with publickeyv1_"],
])("a key with %s is refused", (_what, malformed, problem) => {
  expect(() => parseIdentityKeys(malformed)).toThrow(
    expect.objectContaining({
      errorCode: "identity-key-malformed",
      message: expect.stringContaining(problem) as string,
    }),
  );
});

test("one malformed key among good ones is named, shortened", () => {
  const good = new RestateIdentity().publicKey;
  expect(() => parseIdentityKeys(`${good},publickeyv1_abcdefghijkl0000`)).toThrow('"publickeyv1_abcdefgh…"');
});

test("a secret in the wrong setting is not shown", () => {
  const secret = "key_10dfxRnUDGEDLHRnhc7fZ1e.c2VjcmV0";
  expect(() => parseIdentityKeys(secret)).toThrow('"key_…"');
});
