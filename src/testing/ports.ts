/** Ports on loopback: choosing them, and telling whose they are. */
import { readdir, readFile, readlink } from "node:fs/promises";
import { createServer } from "node:net";

/**
 * Below the ranges from which systems take the ports of outgoing connections. A port from there could be taken by a
 * connection while its server is dead, and the server could not come back to it.
 */
const FIRST = 12_000;
const COUNT = 20_000;
const TRIES = 100;

const given = new Set<number>();

/** A port on loopback that is free now. This process gets it once. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) return port;
    given.delete(port);
  }
  throw new Error(`Cannot find a free port: ${TRIES} between ${FIRST} and ${FIRST + COUNT} are taken`);
}

/** True when nobody listens on the loopback port. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => {
      server.close(() => resolve(true));
    });
  });
}

/**
 * Whether a process of the group `group` listens on the loopback port; undefined where the system does not tell.
 * Whatever answers on a port may be somebody else: a server that was left over, a test that runs at the same time.
 */
export async function listensOn(group: number, port: number): Promise<boolean | undefined> {
  let table: string;
  try {
    table = (await readFile("/proc/net/tcp", "utf8")) + (await readFile("/proc/net/tcp6", "utf8").catch(() => ""));
  } catch {
    return undefined;
  }
  const inodes = listeningSockets(table, port);
  for (const pid of await processesOf(group)) {
    for (const socket of await socketsOf(pid)) if (inodes.has(socket)) return true;
  }
  return false;
}

const LISTEN = "0A";

/** `socket:[inode]` of each listener on `port`: columns 2 (address), 4 (state) and 10 (inode) of the kernel's table. */
function listeningSockets(table: string, port: number): Set<string> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const rows = table.split("\n").map((line) => line.trim().split(/\s+/));
  return new Set(rows.flatMap((row) => (row[1]?.endsWith(suffix) && row[3] === LISTEN ? [`socket:[${row[9]}]`] : [])));
}

async function processesOf(group: number): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const isMember = async (pid: string): Promise<boolean> => {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    // "pid (name) state parent group": the name may hold anything, so count from its end.
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2]) === group;
  };
  const members = await Promise.all(pids.map(isMember));
  return pids.filter((_, index) => members[index]);
}

async function socketsOf(pid: string): Promise<string[]> {
  const handles = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const targets = await Promise.all(handles.map((handle) => readlink(`/proc/${pid}/fd/${handle}`).catch(() => "")));
  return targets.filter((target) => target.startsWith("socket:"));
}
