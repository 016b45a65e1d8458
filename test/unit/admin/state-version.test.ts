import { expect, test } from "vitest";
import { stateVersion } from "../../../src/admin/state/state-version.ts";
import { readBytes, writeBytes } from "../../../src/admin/state/stored-value.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test.each([
  [[], "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"],
  // A restate-server 1.7.12 took this for the version of this state.
  [
    [
      ["z", Uint8Array.of(255)],
      ["a", bytes('"v"')],
    ],
    "o2mMKWv80LCxK_Uu0sn4Tbbmw1Fv3UMXss6kKJw3pvY",
  ],
] as const)("the version of %j is Restate's", async (values, version) => {
  expect(await stateVersion(new Map(values))).toBe(version);
});

test("keys are ordered by their bytes, not by their UTF-16 units", async () => {
  const one = new Map([
    ["\u{1F600}", bytes("1")],
    ["\uFF5E", bytes("2")],
  ]);
  const other = new Map([...one].toReversed());
  expect(await stateVersion(one)).toBe(await stateVersion(other));
});

test.each([
  ['{"a":[1]}', { json: { a: [1] } }],
  ["null", { json: null }],
  ["no json", { base64: "bm8ganNvbg==" }],
  ["", { base64: "" }],
  ["\uFEFF1", { base64: "77u/MQ==" }],
])("%j is shown as %j, and written back as it was", (text, shown) => {
  expect(readBytes(bytes(text))).toEqual(shown);
  expect(writeBytes(readBytes(bytes(text)))).toEqual(bytes(text));
});

test("what is no base64 is refused", () => {
  for (const base64 of ["?", "AA", "AA=A", "AB=="]) {
    expect(() => writeBytes({ base64 })).toThrow(expect.objectContaining({ errorCode: "invalid-request" }));
  }
});
