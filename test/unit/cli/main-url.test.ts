import { expect, test } from "vitest";
import { likelyMainUrlOf, mainUrlOf, uriOfOther } from "../../../cli/deployments/main-url.ts";
import type { RegisteredVersion } from "../../../cli/deployments/registered.ts";
import { registered } from "./registered-versions.ts";

const OWN = "https://agents.acme.workers.dev";
const unknown = (uri: string): RegisteredVersion => ({ ...registered("1a2b3c4d", { uri }), facts: undefined });

test.each([
  ["a version's URL", registered("1a2b3c4d"), OWN],
  [
    "a version's own Worker",
    registered("1a2b", {
      platform: "worker-per-version",
      worker: "agents-1a2b",
      uri: "https://agents-1a2b.acme.workers.dev/restate/v/1a2b",
    }),
    OWN,
  ],
  [
    "a version's URL of another form",
    registered("1a2b", { uri: "https://1a2b.example.com/restate/v/1a2b" }),
    undefined,
  ],
])("the app's own URL, told from %s", (_what, version, own) => {
  expect(mainUrlOf(version)).toBe(own);
  expect(likelyMainUrlOf(version)).toBe(own);
});

test.each([
  [
    "a server for all versions",
    registered("7", { platform: "url", uri: "https://a.example.com/restate/v/7" }),
    "https://a.example.com",
  ],
  ["a version's URL that somebody else registered", unknown("https://1a2b3c4d-agents.acme.workers.dev/restate"), OWN],
  ["the app's own that somebody else registered", unknown(`${OWN}/restate`), OWN],
])("the app's likely URL, told from %s", (_what, version, likely) => {
  expect(mainUrlOf(version)).toBeUndefined();
  expect(likelyMainUrlOf(version)).toBe(likely);
});

test("another version of the same Worker is below the same domain, or where the template says", () => {
  const { deployment, facts } = registered("1a2b3c4d");
  if (facts === undefined || deployment.uri === undefined) throw new Error("No facts");
  const at = (template?: string): string | undefined => uriOfOther(deployment.uri ?? "", facts, "99999999-0", template);
  expect(at()).toBe("https://99999999-agents.acme.workers.dev/restate/v/99999999-0");
  expect(at("https://{prefix}.agents.example.com")).toBe("https://99999999.agents.example.com/restate/v/99999999-0");
});
