import { expect, test } from "vitest";
import { matchRestatePath } from "../../../src/endpoint/restate-path.ts";
import { isVersion, splitVersion, versionPath } from "../../../src/endpoint/version.ts";

const VERSIONS = [
  "1",
  "v7",
  "7b0c1de6-0c3e-4d8f-9d0c-2f2b1f0a1b2c",
  "1.2.3",
  "2026-11-25_12.30",
  "v",
  "discover",
  "invoke",
  "...",
  ".a",
  "-",
  "_",
  "a".repeat(64),
];
const NO_VERSIONS = ["", ".", "..", " ", "a b", "a/b", "a%2fb", "%61", "a\n", "ä", "a:b", "a@b", "a;b", "a".repeat(65)];

test.each(VERSIONS)("%j is a version, and its path names it", (version) => {
  expect(isVersion(version)).toBe(true);
  expect(versionPath("/restate", version)).toBe(`/restate/v/${version}`);
  const found = { kind: "found", path: "/discover", version };
  expect(matchRestatePath("GET", `${versionPath("/restate", version)}/discover`, "/restate")).toEqual(found);
  expect(matchRestatePath("GET", `/v/${version}/discover`, "")).toEqual(found);
  const call = { kind: "found", path: "/invoke/Echo/say", version };
  expect(matchRestatePath("POST", `/restate/v/${version}/invoke/Echo/say`, "/restate")).toEqual(call);
});

test.each(NO_VERSIONS)("%j is none, and a path with it is on no list", (text) => {
  expect(isVersion(text)).toBe(false);
  expect(() => versionPath("/restate", text)).toThrow(/^Cannot make a path of the version/);
  for (const path of ["discover", "invoke/Echo/say", "serdes/Echo/decode/say/input"]) {
    for (const method of ["GET", "POST"]) {
      expect(matchRestatePath(method, `/restate/v/${text}/${path}`, "/restate")).toEqual({ kind: "not-found" });
    }
  }
});

test.each([
  "/v",
  "/v/",
  "/v/1",
  "/v/1/",
  "/v//discover",
  "/v/1//discover",
  "/v/1/discover/",
  "/v/1/v/1/discover",
  "/v/1/health",
  "/v/1/x/discover",
  "/V/1/discover",
  "/v1/discover",
  "//v/1/discover",
  "/v/1/serdes/Echo/decode/x/discover",
  "/v/1%2fdiscover",
  "/v/1\\discover",
  "/%76/1/discover",
])("%j is on no list", (path) => {
  for (const method of ["GET", "POST"]) {
    expect(matchRestatePath(method, `/restate${path}`, "/restate")).toEqual({ kind: "not-found" });
  }
});

test("a wrong method is named below a version, too, whichever it is", () => {
  expect(matchRestatePath("POST", "/restate/v/1/discover", "/restate")).toEqual({
    kind: "method-not-allowed",
    allow: "GET",
  });
});

test("a service or handler named v is no version", () => {
  const version = undefined;
  for (const path of ["/invoke/v/v", "/serdes/v/decode/v/input"]) {
    expect(matchRestatePath("POST", `/restate${path}`, "/restate")).toEqual({ kind: "found", path, version });
  }
});

test("whatever a path is, the version and the rest make it again, and the version is one", () => {
  // Fragments that are close to the border between version and path.
  const parts = [
    "/",
    "v",
    "1",
    ".",
    "..",
    "%2f",
    "%2e",
    "//",
    "discover",
    "invoke/Echo/say",
    "a".repeat(64),
    "\\",
    "?",
  ];
  let state = 1;
  const next = (below: number): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
  let found = 0;
  for (let n = 0; n < 50_000; n++) {
    const tail = Array.from({ length: next(7) }, () => parts[next(parts.length)]).join("");
    const path = next(2) === 0 ? `/v/${tail}` : `/${tail}`;
    const { version, rest } = splitVersion(path);
    expect((version === undefined ? "" : `/v/${version}`) + rest).toBe(path);
    if (version === undefined) continue;
    found += 1;
    expect(isVersion(version) && rest.startsWith("/")).toBe(true);
  }
  expect(found).toBeGreaterThan(1_000);
});
