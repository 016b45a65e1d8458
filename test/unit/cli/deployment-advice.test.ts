import { expect, test } from "vitest";
import { adviceOn, type Findings } from "../../../cli/deployments/advice.ts";
import type { DeploymentStatus } from "../../../cli/deployments/status.ts";

function deployment(id: string, more: Partial<DeploymentStatus> = {}): DeploymentStatus {
  return {
    id,
    url: `https://${id}.example.com`,
    app: "agents",
    version: id,
    registeredAt: "2026-01-01T00:00:00Z",
    services: ["Clerk"],
    latestOf: [],
    pinned: 0,
    inFlight: {},
    health: { state: "ok", version: id },
    prunable: false,
    ...more,
  };
}

const latest = deployment("v2", { latestOf: ["Clerk"] });
const judge = (findings: Partial<Findings>) =>
  adviceOn({ app: "agents", deployments: [latest], main: undefined, others: 0, ...findings });

test("an app whose latest version answers is healthy, and nothing is to be done", () => {
  expect(judge({})).toEqual({ healthy: true, advice: [] });
});

test("an app without a registered version is not healthy", () => {
  expect(judge({ deployments: [], others: 3 })).toEqual({
    healthy: false,
    advice: ["No version of agents is registered with this tool: `deploy`; 3 other deployments: `status --all`"],
  });
});

test("a latest version that does not answer is not healthy", () => {
  const down = { ...latest, health: { state: "unreachable", detail: "ECONNREFUSED" } } as const;
  const { healthy, advice } = judge({ deployments: [down] });
  expect(healthy).toBe(false);
  expect(advice[0]).toMatch(/^v2 ECONNREFUSED: new invocations fail until it answers; `rollback`/);
});

test("an earlier version that nothing needs may be gone", () => {
  const gone = deployment("v1", { health: { state: "unreachable" }, prunable: true });
  expect(judge({ deployments: [latest, gone] })).toEqual({
    healthy: true,
    advice: ["1 deployment drained and not the latest: `prune`"],
  });
});

test("an earlier version that invocations are pinned to may not", () => {
  const gone = deployment("v1", { pinned: 2, health: { state: "failing", detail: "/health answers 503" } });
  const { healthy, advice } = judge({ deployments: [latest, gone] });
  expect(healthy).toBe(false);
  expect(advice).toEqual([expect.stringContaining("v1 /health answers 503: 2 invocations cannot go on")]);
});

test("the app's own URL has to serve the version that new invocations go to", () => {
  const main = { url: "https://agents.example.com", health: { state: "other-version", version: "v1" } } as const;
  expect(judge({ main })).toEqual({
    healthy: false,
    advice: [
      "https://agents.example.com serves version v1, new invocations go to v2: `deploy` again, or `rollback --to v1`",
    ],
  });
});

test("what is stuck on an earlier version may be moved", () => {
  const stuck = deployment("v1", { pinned: 3, inFlight: { paused: 1, "backing-off": 2 } });
  expect(judge({ deployments: [latest, stuck] }).advice).toEqual([
    "v1 has 1 paused and 2 failing: `move --from v1`, if the latest can go on with them",
  ]);
});
