import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { waitUntil } from "../../src/testing/wait.ts";
import { type GateRequest, startGate } from "./gate.ts";
import { OperatedWorld, type RegisteredJobs } from "./operated-world.ts";

const FIRST = "11111111-aaaa-4aaa-8aaa-000000000001";
const SECOND = "22222222-aaaa-4aaa-8aaa-000000000002";
const THIRD = "33333333-aaaa-4aaa-8aaa-000000000003";

/** Three versions, of which the first has three invocations in flight, and a deployment that the tool did not register. */
describe("an app with three versions", () => {
  let world: OperatedWorld;
  let first: RegisteredJobs;
  let second: RegisteredJobs;
  let third: RegisteredJobs;
  let foreign: RegisteredJobs;
  let sleeping: string;
  let waiting: string;
  let failing: string;
  let paused: string;

  beforeAll(async () => {
    world = await OperatedWorld.start();
    const { restate, control } = world;
    control.broken.add(FIRST);
    first = await world.deploy(FIRST, { gitSha: "aaaa111122223333" });
    const send = (handler: string): Promise<string> => restate.send(`Jobs/${handler}`, "of no concern");
    [sleeping, waiting, failing, paused] = await Promise.all([
      send("sleep"),
      send("approve"),
      send("fail"),
      send("fail"),
    ]);
    await Promise.all([sleeping, waiting].map((id) => restate.waitForStatus(id, "suspended")));
    await Promise.all([failing, paused].map((id) => restate.waitForStatus(id, "backing-off")));
    await restate.pause(paused);
    await restate.waitForStatus(paused, "paused");
    second = await world.deploy(SECOND, { gitSha: "bbbb111122223333" });
    foreign = await world.deploy("foreign", { withMetadata: false });
    third = await world.deploy(THIRD, { gitSha: "cccc111122223333" });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  test("status counts what is pinned to each, by what it is doing", async () => {
    const { code, document } = await world.json(["status", "--check"]);
    expect(code).toBe(0);
    expect(document).toEqual({
      command: "status",
      ok: true,
      app: "jobs",
      healthy: true,
      checked: true,
      advice: [expect.stringContaining(`${first.id} has 1 paused and 1 failing`)],
      deployments: [
        expect.objectContaining({ id: third.id, latestOf: ["Jobs", "Shelf"], pinned: 0, inFlight: {} }),
        expect.objectContaining({ id: second.id, latestOf: [], pinned: 0 }),
        {
          id: first.id,
          url: first.uri,
          app: "jobs",
          platform: "url",
          version: FIRST,
          gitSha: "aaaa111122223333",
          registeredAt: expect.any(String) as string,
          services: ["Jobs", "Shelf"],
          latestOf: [],
          pinned: 4,
          inFlight: { suspended: 2, "backing-off": 1, paused: 1 },
          health: { state: "ok", version: FIRST },
          prunable: false,
        },
      ],
    });
  });

  test("status --all shows the deployments of others too", async () => {
    const { document } = await world.json(["status", "--all"]);
    const ids = (document["deployments"] as { id: string }[]).map(({ id }) => id);
    expect(ids).toEqual([third.id, foreign.id, second.id, first.id]);
  });

  test("status --check exits with 3 when another version answers where invocations are pinned", async () => {
    first.serves = "another";
    try {
      const { code, stdout } = await world.tool(["status", "--check"]);
      expect(code).toBe(3);
      expect(stdout).toContain(`${first.id} is not served now, another is: 4 invocations cannot go on`);
    } finally {
      first.serves = FIRST;
    }
  });

  test("status for people is a table and what to do", async () => {
    const { code, stdout } = await world.tool(["status"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^DEPLOYMENT +VERSION +GIT +REGISTERED +HEALTH +IN FLIGHT +LATEST OF$/m);
    expect(stdout).toMatch(/dp_\w+ +11111111 +aaaa111 +.+ ago +ok +2 suspended, 1 backing-off, 1 paused +-$/m);
    expect(stdout).toContain("→ ");
  });

  test("journal shows the steps, and no payload", async () => {
    const { code, stdout } = await world.tool(["journal", failing]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Jobs\/fail {2}inv_/);
    expect(stdout).toMatch(/^1 +step +begin +completed/m);
    expect(stdout).toMatch(/^3 +step +work +retrying +.* so far +1 +500 RT0007: no such table$/m);
    expect(stdout).not.toContain("of no concern");
    expect(stdout).not.toContain(FIRST);
  });

  test("journal --payloads shows what steps gave", async () => {
    const { stdout } = await world.tool(["journal", failing, "--payloads"]);
    expect(stdout).toContain(`#1 step: "${FIRST}"`);
  });

  test("journal of an unknown invocation exits with 2", async () => {
    for (const id of ["inv_1fjtoLCTZCOa6PB3PEmER3O4YJUE4aQCiR", "nonsense"]) {
      const { code, document } = await world.json(["journal", id]);
      expect(code).toBe(2);
      expect(document).toMatchObject({ ok: false, error: { code: "invocation-unknown" } });
    }
  });

  test("prune refuses a deployment that invocations are pinned to, and says how many", async () => {
    const { code, document } = await world.json(["prune", "--deployment", first.id, "--yes"]);
    expect(code).toBe(3);
    expect(document).toMatchObject({
      ok: false,
      error: {
        code: "deployment-needed",
        pinned: 4,
        inFlight: { suspended: 2, "backing-off": 1, paused: 1 },
        latestOf: [],
      },
    });
    const latest = await world.tool(["prune", "--deployment", third.id, "--yes"]);
    expect(latest.code).toBe(3);
    expect(latest.log).toContain("latest of Jobs, Shelf");
  });

  test("prune asks before it removes", async () => {
    const { code, log } = await world.tool(["prune", "--keep", "0"]);
    expect(code).toBe(2);
    expect(log).toContain("Pass --yes");
    expect(await idsOf(world)).toContain(second.id);
  });

  test("prune --dry-run tells what goes, and what stays why", async () => {
    const { code, document } = await world.json(["prune", "--keep", "0", "--dry-run"]);
    expect(code).toBe(0);
    const item = (one: RegisteredJobs, outcome: string, reason: string) => ({
      id: one.id,
      url: one.uri,
      version: one.version,
      outcome,
      reason,
    });
    expect(document).toEqual({
      command: "prune",
      ok: true,
      dryRun: true,
      removed: 1,
      deployments: [
        item(third, "kept", "latest of Jobs, Shelf"),
        item(second, "would-remove", "drained"),
        item(first, "kept", "4 invocations in flight"),
      ],
    });
    expect(await idsOf(world)).toContain(second.id);
  });

  test("prune keeps the newest besides the latest, and young ones with --older-than", async () => {
    for (const flags of [["--keep", "1"], ["--keep", "0", "--older-than", "1h"], []]) {
      const { document } = await world.json(["prune", "--yes", ...flags]);
      expect(document).toMatchObject({ ok: true, removed: 0 });
    }
  });

  test("move --dry-run takes those that fail or are paused, and --all the others too", async () => {
    const targets = async (...flags: string[]): Promise<unknown[]> => {
      const { document } = await world.json(["move", "--dry-run", ...flags]);
      return (document["invocations"] as { id: string }[]).map(({ id }) => id).sort();
    };
    expect(await targets()).toEqual([failing, paused].sort());
    expect(await targets("--all")).toEqual([failing, paused, sleeping, waiting].sort());
    expect(await targets("--from", SECOND)).toEqual([]);
  });

  test("move lets the latest go on with what is stuck, from the journal that the first wrote", async () => {
    const { code, document } = await world.json(["move", "--yes", "--from", "aaaa1111"]);
    expect(document).toMatchObject({ command: "move", ok: true, dryRun: false, to: third.id, moved: 2 });
    expect(document["invocations"]).toContainEqual({
      id: failing,
      target: "Jobs/fail",
      status: "backing-off",
      from: first.id,
      outcome: "moved",
    });
    expect(code).toBe(0);
    await Promise.all([failing, paused].map((id) => world.restate.waitForStatus(id, "completed")));
    expect(await world.restate.output(failing)).toEqual({ status: 200, body: { began: FIRST, ended: THIRD } });
  });

  test("journal --follow waits until the invocation has completed", async () => {
    const gate = await startGate(world.restate.adminUrl);
    const seen = new Set<string>();
    const isSecond = ({ method, path, body }: GateRequest): boolean => {
      const request = `${method} ${path} ${body}`;
      const isKnown = seen.has(request);
      seen.add(request);
      return isKnown;
    };
    gate.break({ matches: isSecond, how: "delayed", until: Promise.resolve() });
    const following = world.json(["journal", waiting, "--follow"], gate.url);
    // It looks once more, so it has seen that the invocation has not completed.
    await Promise.race([gate.broken(), following]);
    const awakeable = (await world.admin.invocations.timeline(waiting)).steps.find(({ kind }) => kind === "awakeable");
    await world.restate.resolveAwakeable(awakeable?.name ?? "", "yes");
    const { code, document } = await following;
    await gate.close();
    expect(code).toBe(0);
    expect(document).toMatchObject({ command: "journal", ok: true, invocation: { status: "completed", id: waiting } });
    expect(await world.restate.output(waiting)).toMatchObject({ body: { began: FIRST, ended: FIRST, answer: "yes" } });
  });

  test("move --all takes a sleeping one along, and then prune removes what it slept on", async () => {
    const moved = await world.json(["move", "--all", "--yes", "--from", first.id, "--to", SECOND]);
    expect(moved.document).toMatchObject({ moved: 1, invocations: [{ id: sleeping, outcome: "moved" }] });
    const pruned = await world.json(["prune", "--keep", "0", "--yes"]);
    expect(pruned.code).toBe(0);
    expect(pruned.document).toMatchObject({ removed: 1 });
    expect((await idsOf(world)).sort()).toEqual([second.id, third.id, foreign.id].sort());
    expect((await world.json(["prune", "--keep", "0", "--yes"])).document).toMatchObject({ removed: 0 });
  });

  test("a deployment that the tool did not register goes only when it is named", async () => {
    const { code, document } = await world.json(["prune", "--deployment", foreign.id, "--yes"]);
    expect(code).toBe(0);
    expect(document).toMatchObject({ removed: 1, deployments: [{ id: foreign.id, outcome: "removed" }] });
  });

  test("rollback makes the version before the latest again, and leaves what is pinned alone", async () => {
    const { code, document } = await world.json(["rollback", "--yes"]);
    expect(code).toBe(0);
    expect(document).toEqual({
      command: "rollback",
      ok: true,
      dryRun: false,
      app: "jobs",
      version: SECOND,
      gitSha: "bbbb111122223333",
      uri: second.uri,
      deploymentId: second.id,
      services: ["Jobs", "Shelf"],
      notes: [],
      smoke: { outcome: "skipped", reason: "the version declares no smoke service" },
      promotion: { state: "skipped", reason: expect.any(String) as string },
    });
    expect(await world.restate.call("Jobs/which")).toMatchObject({ body: SECOND });
    expect((await world.admin.invocations.get(sleeping))?.deploymentId).toBe(second.id);
    const { metadata } = await world.admin.deployments.get(second.id);
    expect(metadata).toMatchObject({ "restate-edge-agents/version": SECOND, "git.sha": "bbbb111122223333" });
  });

  test("rollback --to the latest is refused, and so is a version that does not answer as itself", async () => {
    expect(await world.json(["rollback", "--to", SECOND, "--yes"])).toMatchObject({
      code: 3,
      document: { error: { code: "already-latest" } },
    });
    third.serves = "another";
    try {
      expect(await world.json(["rollback", "--to", "cccc1111", "--yes"])).toMatchObject({
        code: 4,
        document: { error: { code: "version-not-served", health: { state: "other-version", version: "another" } } },
      });
    } finally {
      third.serves = THIRD;
    }
    expect(await world.restate.call("Jobs/which")).toMatchObject({ body: SECOND });
    expect((await world.json(["rollback", "--to", "nonsense", "--yes"])).code).toBe(2);
  });

  test("a second rollback does not go forward to the version that was left", async () => {
    expect(await world.json(["rollback", "--yes"])).toMatchObject({
      code: 3,
      document: { error: { code: "nothing-to-roll-back-to" } },
    });
    expect(await world.restate.call("Jobs/which")).toMatchObject({ body: SECOND });
  });

  test("rollback --dry-run changes nothing", async () => {
    const { code, document } = await world.json(["rollback", "--dry-run", "--to", THIRD]);
    expect(code).toBe(0);
    expect(document).toMatchObject({ dryRun: true, version: THIRD, services: ["Jobs", "Shelf"] });
    expect(await world.restate.call("Jobs/which")).toMatchObject({ body: SECOND });
  });
});

describe("invocations", () => {
  let world: OperatedWorld;
  let first: RegisteredJobs;

  beforeAll(async () => {
    world = await OperatedWorld.start();
    first = await world.deploy(FIRST);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  test("invoke prints the result, and nothing else", async () => {
    expect(await world.tool(["invoke", "Jobs/which"])).toMatchObject({ code: 0, log: `${FIRST}\n` });
    const { code, stdout } = await world.tool(["invoke", "Shelf/a/b/put", "--body-file", "-"], '"x"');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual(["a/b", "x"]);
  });

  test("invoke --json tells the invocation too", async () => {
    const { document } = await world.json(["invoke", "Jobs/which"]);
    expect(document).toEqual({
      command: "invoke",
      ok: true,
      target: "Jobs/which",
      status: "completed",
      invocation: expect.stringMatching(/^inv_/) as string,
      output: FIRST,
    });
  });

  test("invoke of a handler that fails exits with 4, its code and message", async () => {
    const { code, document } = await world.json(["invoke", "Jobs/refuse"]);
    expect(code).toBe(4);
    expect(document).toMatchObject({ status: "failed", failure: { code: 418, message: "it is closed today" } });
    const { stdout } = await world.tool(["invoke", "Jobs/refuse"]);
    expect(stdout).toContain("Failed with 418: it is closed today");
  });

  test("invoke of no handler exits with 4, and of no JSON with 2", async () => {
    expect((await world.json(["invoke", "Nobody/here"])).document).toMatchObject({
      error: { code: "restate-refused" },
    });
    expect((await world.json(["invoke", "Jobs/which", "--body", "hello"])).code).toBe(2);
    expect((await world.json(["invoke", "Jobs"])).code).toBe(2);
  });

  test("invoke --timeout leaves the invocation running, and the same key finds it again", async () => {
    const call = ["invoke", "Jobs/approve", "--idempotency-key", "k1"];
    const first = await world.json([...call, "--send"]);
    expect(first.document).toMatchObject({ status: "accepted", isNew: true });
    const { code, document } = await world.json([...call, "--timeout", "200ms"]);
    expect(code).toBe(4);
    expect(document).toMatchObject({ error: { code: "no-result-in-time" } });
    const sent = (await world.json([...call, "--send"])).document;
    expect(sent).toMatchObject({ status: "accepted", isNew: false, invocation: first.document["invocation"] });
    await world.restate.waitForStatus(String(sent["invocation"]), "suspended");
  });

  test("invoke --send --delay tells when it starts", async () => {
    const { document } = await world.json(["invoke", "Jobs/which", "--send", "--delay", "1h"]);
    const startsInMs = Date.parse(String(document["startsAt"])) - Date.now();
    expect(startsInMs).toBeGreaterThan(3_500_000);
    expect(startsInMs).toBeLessThanOrEqual(3_600_000);
  });

  test("move waits for one that runs, says so when that takes too long, and takes it the next time", async () => {
    const hanging = await world.restate.send("Jobs/hang");
    await waitUntil("It does not run", () => world.control.held.has(FIRST));
    const second = await world.deploy(SECOND);
    const move = ["move", "--all", "--yes", "--from", first.id, "--timeout", "300ms"];
    const early = await world.json(move);
    expect(early.code).toBe(4);
    expect(early.document["invocations"]).toContainEqual(
      expect.objectContaining({ id: hanging, status: "running", outcome: "pausing" }),
    );
    world.control.held.get(FIRST)?.();
    await world.restate.waitForStatus(hanging, "paused");
    const late = await world.json(move);
    expect(late.document["invocations"]).toContainEqual(
      expect.objectContaining({ id: hanging, status: "paused", outcome: "moved" }),
    );
    await world.restate.waitForStatus(hanging, "completed");
    expect(await world.restate.output(hanging)).toMatchObject({ body: { began: FIRST, ended: SECOND } });
    expect((await world.admin.invocations.get(hanging))?.deploymentId).toBe(second.id);
  });

  test("move tells when the other version does not take the steps of the journal, and how to go back", async () => {
    const other = await world.deploy(THIRD, { begin: "start" });
    const [{ invocations }] = [await world.admin.invocations.list({ status: ["suspended"] })];
    const [id = ""] = invocations.map((invocation) => invocation.id);
    const { code, stdout } = await world.tool(["move", "--all", "--yes", "--from", SECOND]);
    expect(code).toBe(4);
    expect(stdout).toMatch(new RegExp(`${id}.*moved, and does not fit`));
    expect(stdout).toMatch(new RegExp(`move --from ${other.id} --to dp_`));
    const back = await world.json(["move", "--yes", "--from", THIRD, "--to", SECOND]);
    expect(back.document).toMatchObject({ moved: 1, invocations: [{ id, outcome: "moved" }] });
    await world.restate.waitForStatus(id, "suspended");
  });
});

async function idsOf({ admin }: OperatedWorld): Promise<string[]> {
  return (await admin.deployments.list()).map(({ id }) => id);
}
