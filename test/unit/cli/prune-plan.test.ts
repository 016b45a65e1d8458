import { describe, expect, test } from "vitest";
import { ROLLED_BACK_FROM } from "../../../cli/deployments/metadata.ts";
import { planPrune, workerOnlyOf } from "../../../cli/deployments/prune-plan.ts";
import { registered } from "./registered-versions.ts";

const HOUR_MS = 3_600_000;
const latest = registered("v5", { latestOf: ["Clerk"], registeredAt: 5 * HOUR_MS });
const [v4, v3, v2, v1] = [4, 3, 2, 1].map((n) => registered(`v${n}`, { registeredAt: n * HOUR_MS }));
const all = [latest, v4, v3, v2, v1].filter((version) => version !== undefined);
const nowMs = 6 * HOUR_MS;

function removed(plan: ReturnType<typeof planPrune>): string[] {
  return plan.filter(({ action }) => action === "remove").map(({ registered: { facts } }) => facts?.version ?? "");
}

describe("prune", () => {
  test("keeps the latest and the newest besides", () => {
    expect(removed(planPrune(all, { keep: 2, nowMs }))).toEqual(["v2", "v1"]);
    expect(removed(planPrune(all, { keep: 0, nowMs }))).toEqual(["v4", "v3", "v2", "v1"]);
    expect(removed(planPrune(all, { keep: 9, nowMs }))).toEqual([]);
  });

  test("counts those that are needed among the newest that it keeps", () => {
    const versions = all.map((version) => (version === v4 ? { ...version, pinned: 7 } : version));
    expect(removed(planPrune(versions, { keep: 1, nowMs }))).toEqual(["v3", "v2", "v1"]);
  });

  test("never takes what an invocation is pinned to, and says how many there are", () => {
    const versions = all.map((version) => (version === v1 ? { ...version, pinned: 1 } : version));
    const plan = planPrune(versions, { keep: 0, nowMs });
    expect(removed(plan)).toEqual(["v4", "v3", "v2"]);
    expect(plan.at(-1)?.reason).toBe("1 invocation in flight");
  });

  test("never takes the latest of a service that newer versions do not have", () => {
    const versions = all.map((version) =>
      version === v2 ? { ...version, latestOf: ["Retired"], pinned: 2 } : version,
    );
    const plan = planPrune(versions, { keep: 0, nowMs });
    expect(plan.find(({ registered: { facts } }) => facts?.version === "v2")).toMatchObject({
      action: "keep",
      reason: "latest of Retired; 2 invocations in flight",
    });
  });

  test("keeps those that are younger than --older-than", () => {
    const plan = planPrune(all, { keep: 0, nowMs, olderThanMs: 3 * HOUR_MS });
    expect(removed(plan)).toEqual(["v3", "v2", "v1"]);
    expect(plan[1]?.reason).toBe("registered 2h ago (--older-than)");
  });
});

describe("prune after deployments that failed", () => {
  const good = registered("good", { latestOf: ["Clerk"], metadata: { [ROLLED_BACK_FROM]: "worse,broken" } });
  const [worse, broken, before] = [registered("worse"), registered("broken"), registered("before")];
  const versions = [good, worse, broken, before];

  test("counts none of those that were left among the newest that it keeps", () => {
    const plan = planPrune(versions, { keep: 1, nowMs });
    expect(removed(plan)).toEqual(["worse", "broken"]);
    expect(plan[1]?.reason).toBe("drained, and left before");
    expect(plan[3]?.reason).toBe("among the newest 1 (--keep)");
  });

  test("takes of those that were left none that is needed, or young", () => {
    const pinned = [good, { ...worse, pinned: 1 }, { ...broken, latestOf: ["Retired"] }, before];
    expect(removed(planPrune(pinned, { keep: 1, nowMs }))).toEqual([]);
    expect(removed(planPrune(versions, { keep: 1, nowMs, olderThanMs: nowMs + HOUR_MS }))).toEqual([]);
  });

  test("never takes what the app's own URL serves", () => {
    // Nobody knows yet whether the latest works: its deployment was cut off.
    const untried = [registered("untried", { latestOf: ["Clerk"] }), worse, broken, before];
    const plan = planPrune(untried, { keep: 0, nowMs, served: "before" });
    expect(removed(plan)).toEqual(["worse", "broken"]);
    expect(plan[3]?.reason).toBe("the app's own URL serves it");
    expect(removed(planPrune(versions, { keep: 1, nowMs, served: "worse" }))).toEqual(["broken"]);
  });

  test("takes a Worker that was left, though the app's own URL serves a copy of it", () => {
    const own = { platform: "worker-per-version", worker: "agents-1" } as const;
    const workers = [good, registered("worse", own), registered("before", own)];
    expect(removed(planPrune(workers, { keep: 1, nowMs, served: "worse" }))).toEqual(["worse"]);
    expect(removed(planPrune(workers, { keep: 0, nowMs, served: "before" }))).toEqual(["worse"]);
  });
});

describe("the Worker of a version", () => {
  const own = registered("a1", { platform: "worker-per-version", worker: "agents-a1" });

  test("goes with it, where it has one of its own", () => {
    expect(workerOnlyOf(own, [own, latest])).toBe("agents-a1");
    expect(workerOnlyOf(latest, [own, latest])).toBeUndefined();
  });

  test("stays while another deployment uses it, and when it is the app's own", () => {
    const sibling = registered("a2", { platform: "worker-per-version", worker: "agents-a1" });
    expect(workerOnlyOf(own, [own, sibling])).toBeUndefined();
    const main = registered("a3", { platform: "worker-per-version", worker: "agents" });
    expect(workerOnlyOf(main, [main])).toBeUndefined();
  });
});
