import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { processUsage } from "../../../bench/usage/process-usage.ts";

/** The kernel tells the times of each process in whole hundredths of a second. */
const ROUNDED_MS = 50;

test.skipIf(!existsSync("/proc/self/stat"))("the usage of a process includes its children's", async () => {
  const before = await processUsage(process.pid);
  const busy = "while (process.cpuUsage().user < 200_000); setInterval(() => {}, 1000)";
  const child = spawn(process.execPath, ["-e", `${busy}; console.log("worked")`]);
  try {
    await new Promise((resolve) => child.stdout.once("data", resolve));
    const alone = await processUsage(child.pid ?? 0);
    const after = await processUsage(process.pid);
    expect(alone?.cpuMs).toBeGreaterThan(100);
    expect(alone?.peakMemoryBytes).toBeGreaterThan(10_000_000);
    expect(after?.cpuMs).toBeGreaterThan((before?.cpuMs ?? 0) + (alone?.cpuMs ?? 0) - ROUNDED_MS);
    expect(after?.peakMemoryBytes).toBeGreaterThan(alone?.peakMemoryBytes ?? 0);
  } finally {
    child.kill("SIGKILL");
  }
});

test("a process that is not there has no usage", async () => {
  expect(await processUsage(2 ** 30)).toBeUndefined();
});
