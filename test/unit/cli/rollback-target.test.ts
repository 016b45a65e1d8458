import { describe, expect, test } from "vitest";
import { ROLLED_BACK_FROM } from "../../../cli/deployments/metadata.ts";
import { rollbackTarget } from "../../../cli/deployments/rollback.ts";
import { ToolError } from "../../../cli/tool/tool-error.ts";
import { registered } from "./registered-versions.ts";

const id = (n: number): string => `${String(n).repeat(8)}-0000-4000-8000-000000000000`;
const latest = registered(id(3), { latestOf: ["Clerk"], gitSha: "cccc3333" });
const second = registered(id(2), { gitSha: "bbbb2222" });
const first = registered(id(1), { gitSha: "aaaa1111" });
const versions = [latest, second, first];

function codeOf(act: () => unknown): string {
  try {
    act();
    return "none";
  } catch (error) {
    if (error instanceof ToolError) return `${error.code} ${error.exitCode}`;
    throw error;
  }
}

describe("rollback goes to", () => {
  test("the one that was the latest before", () => {
    expect(rollbackTarget(undefined, versions, id(3))).toMatchObject({ deploymentId: second.deployment.id });
  });

  test.each([
    ["a version", id(1)],
    ["the beginning of one", "11111111"],
    ["a deployment", `dp_${id(1)}`],
    ["a git sha", "aaaa1111"],
    ["the beginning of one", "aaaa"],
  ])("%s that is named", (_what, name) => {
    expect(rollbackTarget(name, versions, id(3)).facts.version).toBe(id(1));
  });

  test("one that Restate has forgotten, where its siblings are", () => {
    expect(rollbackTarget(id(9), versions, id(3))).toEqual({
      facts: expect.objectContaining({
        app: "agents",
        platform: "version-url",
        version: id(9),
        worker: "agents",
      }) as unknown,
      uri: `https://99999999-agents.acme.workers.dev/restate/v/${id(9)}`,
      registration: expect.objectContaining({
        uri: `https://99999999-agents.acme.workers.dev/restate/v/${id(9)}`,
        http11: false,
      }) as unknown,
      isLatest: false,
    });
  });

  test("one that Restate has forgotten, where --version-url says", () => {
    const elsewhere = registered(id(3), { latestOf: ["Clerk"], uri: `https://v.example.com/restate/v/${id(3)}` });
    expect(codeOf(() => rollbackTarget(id(9), [elsewhere], id(3)))).toBe("version-unknown 2");
    expect(rollbackTarget(id(9), [elsewhere], id(3), "https://{prefix}.example.com")).toMatchObject({
      uri: `https://99999999.example.com/restate/v/${id(9)}`,
      registration: { uri: `https://99999999.example.com/restate/v/${id(9)}` },
    });
  });

  test("the version with the metadata and headers that it was registered with", () => {
    const metadata = { "git.sha": "aaaa1111", team: "support" };
    const { deployment } = registered(id(1), { metadata });
    const protectedFirst = {
      ...first,
      deployment: { ...deployment, headers: { "x-key": "k" }, httpVersion: "HTTP/1.1" },
    };
    expect(rollbackTarget(id(1), [latest, protectedFirst], undefined).registration).toMatchObject({
      headers: { "x-key": "k" },
      http11: true,
      metadata: { ...metadata, [ROLLED_BACK_FROM]: id(3) },
    });
  });
});

describe("rollback refuses", () => {
  test("the version that is the latest and served already", () => {
    expect(codeOf(() => rollbackTarget(id(3), versions, id(3)))).toBe("already-latest 3");
  });

  test("when there is no other version", () => {
    expect(codeOf(() => rollbackTarget(undefined, [latest], id(3)))).toBe("nothing-to-roll-back-to 3");
    expect(codeOf(() => rollbackTarget(undefined, [], undefined))).toBe("nothing-to-roll-back-to 3");
  });

  test("a name that two versions have", () => {
    const twin = registered("1111ffff", { gitSha: "aaaa1111" });
    expect(codeOf(() => rollbackTarget("aaaa1111", [...versions, twin], id(3)))).toBe("version-ambiguous 2");
  });

  test("a name that no version has", () => {
    expect(codeOf(() => rollbackTarget("eeee", versions, id(3)))).toBe("version-unknown 2");
    expect(codeOf(() => rollbackTarget("1", versions, id(3)))).toBe("version-unknown 2");
  });
});

describe("a rollback that was interrupted before the promotion", () => {
  const back = { ...second, latestOf: ["Clerk"] };
  const metadata = { [ROLLED_BACK_FROM]: id(3) };
  const unpromoted = [{ ...back, deployment: { ...back.deployment, metadata } }, { ...latest, latestOf: [] }, first];

  test("goes on when it is run again, rather than to the version that was left", () => {
    const target = rollbackTarget(undefined, unpromoted, id(3));
    expect(target).toMatchObject({ facts: { version: id(2) }, isLatest: true });
  });

  test("is complete when the app's own URL serves the version: the next one goes to the version before, not to the one that was left", () => {
    expect(rollbackTarget(undefined, unpromoted, id(2)).facts.version).toBe(id(1));
  });

  test("is told from a deployment that was interrupted there, which is rolled back", () => {
    expect(rollbackTarget(undefined, versions, id(2)).facts.version).toBe(id(2));
  });
});
