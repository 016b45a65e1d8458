import { expect, test } from "vitest";
import { CHECKS } from "../../../cli/checks/all.ts";
import { groupsOf } from "../../../cli/checks/check.ts";

const namesOf = (names: readonly string[] = CHECKS.map(({ name }) => name)): string[][] =>
  groupsOf(CHECKS.filter(({ name }) => names.includes(name))).map((group) => group.map(({ name }) => name));

test("every check runs once, in its order", () => {
  expect(namesOf().flat()).toEqual(CHECKS.map(({ name }) => name));
});

test("what runs beside something else is named here", () => {
  expect(namesOf().filter(({ length }) => length > 1)).toEqual([
    ["workers", "deno-types"],
    ["e2e", "browser"],
    ["e2e-cloud", "encrypted"],
  ]);
});

test("a check runs beside the one that it names, and beside no other", () => {
  expect(namesOf(["e2e", "e2e-pairs", "encrypted", "ship"])).toEqual([["e2e"], ["e2e-pairs"], ["encrypted"], ["ship"]]);
});
