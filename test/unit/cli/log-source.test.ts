import { expect, test } from "vitest";
import { tailArgs } from "../../../cli/logs/tail.ts";
import { logSourceOf } from "../../../cli/logs/where.ts";
import type { Project } from "../../../cli/project/project.ts";
import { registered } from "./registered-versions.ts";

const project = { worker: { name: "agents" } } as Project;

test("of version URLs there are no logs: the app's own are shown, and what to do instead is told", () => {
  const { worker, notes } = logSourceOf(project, registered("1a2b3c4d"));
  expect(worker).toBe("agents");
  expect(notes.join("\n")).toMatch(/version URLs.* are in no log[^]*`journal <invocation>`/);
});

test("of one Worker per version, that Worker's are shown", () => {
  const version = registered("a1", { platform: "worker-per-version", worker: "agents-a1" });
  expect(logSourceOf(project, version)).toMatchObject({ worker: "agents-a1" });
});

test("of other platforms it is told where they are", () => {
  const deno = logSourceOf(project, registered("r1", { platform: "deno-deploy", worker: undefined }));
  expect(deno.worker).toBeUndefined();
  expect(deno.notes.join()).toContain("Deno Deploy");
  expect(logSourceOf(undefined, registered("r1", { platform: "url" })).notes.join()).toContain("docker logs");
  expect(logSourceOf(undefined, undefined).notes.join()).toContain("run this in the project's folder");
});

test("wrangler tails the Worker by its name", () => {
  expect(tailArgs({ worker: "agents-a1", format: "json", flags: ["--search", "x"] })).toEqual([
    "tail",
    "agents-a1",
    "--format",
    "json",
    "--search",
    "x",
  ]);
});
