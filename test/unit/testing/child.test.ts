import { createServer } from "node:net";
import { expect, test } from "vitest";
import { startChild } from "../../../src/testing/child.ts";
import { freePort, isFree, listensOn } from "../../../src/testing/ports.ts";
import { onFreePorts, startServer } from "../../../src/testing/start-server.ts";

const node = (code: string) => ({ label: "a child", command: process.execPath, args: ["-e", code], env: {} });
const SERVE = `require("node:http").createServer((_, answer) => answer.end()).listen(Number(process.env.PORT), "127.0.0.1")`;

test("a command that is not there is an error, and nothing else", async () => {
  expect(() => startChild({ ...node(""), command: "/no/such/command" })).toThrow(
    "Cannot start a child: /no/such/command is not there, or not executable",
  );
});

test("a child that does not end when it is asked is killed", { timeout: 15_000 }, async () => {
  const child = startChild(node(`process.on("SIGTERM", () => {}); console.log("ready"); setInterval(() => {}, 1000)`));
  await expect.poll(() => child.log()).toContain("ready");
  await child.stop();
  expect([child.alive, child.exit]).toEqual([false, "SIGKILL"]);
});

test("a server that ends instead of serving is an error with its log, at once", async () => {
  const port = await freePort();
  const started = performance.now();
  const starting = startServer(node(`console.error("no such table"); process.exit(3)`), port, async () => false);
  await expect(starting).rejects.toThrow(/has ended \(exit code 3\)\nno such table/);
  expect(performance.now() - started).toBeLessThan(20_000);
});

test("a server that never gets healthy is killed, after a bounded wait", async () => {
  const port = await freePort();
  const starting = startServer(node("console.log(process.pid); setInterval(() => {}, 1000)"), port, async () => false, {
    timeoutMs: 400,
  });
  const error = await starting.then(() => "started", String);
  expect(error).toMatch(/Cannot start a child on 127\.0\.0\.1:\d+: not within 400 ms\n\d+/);
  const pid = Number(/(\d+)\s*$/.exec(error)?.[1]);
  expect(() => process.kill(pid, 0)).toThrow("ESRCH");
});

test.skipIf(process.platform !== "linux")("somebody else's server is not taken for the child", async () => {
  const port = await freePort();
  const other = startChild({ ...node(SERVE), env: { PORT: String(port) } });
  await expect.poll(() => isFree(port)).toBe(false);
  expect(await listensOn(other.pid, port)).toBe(true);
  // It lives and its port answers, but the listener is not its own.
  const starting = startServer(node("setInterval(() => {}, 1000)"), port, async () => true, { timeoutMs: 300 });
  await expect(starting).rejects.toThrow("not within 300 ms");
  await other.kill();
  expect(await isFree(port)).toBe(true);
});

test("ports that were taken meanwhile are replaced", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  const tried: number[] = [];
  await onFreePorts(1, async ([port = 0]) => {
    tried.push(port);
    if (tried.length < 3) throw new Error("listen EADDRINUSE: address already in use");
  });
  taken.close();
  expect(new Set(tried).size).toBe(3);
  await expect(onFreePorts(1, async () => Promise.reject(new Error("bad flag")))).rejects.toThrow("bad flag");
});

test("freePort() never gives the same port twice", async () => {
  const ports = await Promise.all(Array.from({ length: 1_000 }, freePort));
  expect(new Set(ports).size).toBe(1_000);
});
