import { describe, expect, test } from "vitest";
import { leaving, leftVersions } from "../../../cli/deployments/left.ts";
import { ROLLED_BACK_FROM } from "../../../cli/deployments/metadata.ts";
import type { RegisteredVersion } from "../../../cli/deployments/registered.ts";
import { rollbackTarget } from "../../../cli/deployments/rollback.ts";
import { registered, type VersionSketch } from "./registered-versions.ts";

const from = (...versions: string[]): VersionSketch => ({ metadata: { [ROLLED_BACK_FROM]: versions.join(",") } });
const latest = (version: string, sketch: VersionSketch = {}): RegisteredVersion =>
  registered(version, { latestOf: ["Clerk"], ...sketch });
const versionsIn = (found: Iterable<RegisteredVersion>) => [...found].map(({ facts }) => facts?.version);
/** Without a name, when the app's own URL serves the latest. */
const previous = (versions: readonly RegisteredVersion[]): string | undefined => {
  try {
    return rollbackTarget(undefined, versions, versions[0]?.facts?.version).facts.version;
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe("rollback without a name", () => {
  test("passes over a version that a deployment went back from", () => {
    expect(previous([latest("good", from("broken")), registered("broken"), registered("older")])).toBe("older");
  });

  test("passes over those of several deployments that failed", () => {
    const versions = [latest("good", from("worse", "broken")), registered("worse"), registered("broken")];
    expect(previous([...versions, registered("older")])).toBe("older");
  });

  test("never goes forward to the version that an earlier one left", () => {
    const third = registered("v3");
    const first = registered("v1");
    expect(previous([latest("v2", from("v3")), third, first])).toBe("v1");
    expect(previous([latest("v1", from("v2", "v3")), registered("v2", from("v3")), third])).toBe(
      "nothing-to-roll-back-to",
    );
  });

  test("goes to one that was deployed again after it was left", () => {
    expect(previous([latest("v4"), registered("again"), registered("good", from("again"))])).toBe("again");
  });

  test("says that there are others, which were left", () => {
    const versions = [latest("good", from("broken")), registered("broken")];
    expect(() => rollbackTarget(undefined, versions, "good")).toThrow(/1 other version was left before/);
  });

  test("goes to one that was left when it is named", () => {
    const versions = [latest("good", from("broken")), registered("broken")];
    expect(rollbackTarget("broken", versions, "good").registration.metadata).toEqual({ [ROLLED_BACK_FROM]: "good" });
  });
});

describe("what a version names when it becomes the latest again", () => {
  test("is the one that it replaces, and those that were left earlier", () => {
    const versions = [latest("v4"), registered("good", from("broken")), registered("broken")];
    expect(leaving("good", "v4", versions)).toEqual({ [ROLLED_BACK_FROM]: "v4,broken" });
  });

  test("is never itself, nor one that Restate has forgotten", () => {
    const versions = [latest("v4", from("broken", "gone")), registered("broken")];
    expect(leaving("broken", "v4", versions)).toEqual({ [ROLLED_BACK_FROM]: "v4" });
    expect(leaving("v4", "v4", versions)).toEqual({ [ROLLED_BACK_FROM]: "broken" });
  });
});

test("a version is left by what was registered after it", () => {
  const versions = [registered("a"), registered("b", from("a", "c")), registered("c"), registered("d")];
  expect(versionsIn(leftVersions(versions))).toEqual(["c"]);
});
