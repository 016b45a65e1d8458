/** CPU time and memory of processes, from Linux's /proc. */
import { readdir, readFile } from "node:fs/promises";

/** What a process tree has used. */
export interface ProcessUsage {
  /** CPU time of its living processes and of the children that they have waited for, in milliseconds. */
  readonly cpuMs: number;
  /** Sum of the peaks of resident memory (VmHWM) of its living processes, in bytes. */
  readonly peakMemoryBytes: number;
}

/** Ticks per second of the times in /proc; the same on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly cpuMs: number;
}

/**
 * What the processes under `root`, itself included, have used. Undefined where there is no /proc, and when the process
 * has ended.
 */
export async function processUsage(root: number): Promise<ProcessUsage | undefined> {
  const all = await allProcesses();
  const tree = [...descendants(root, all)];
  if (tree.length === 0) return undefined;
  const peaks = await Promise.all(tree.map(({ pid }) => peakMemory(pid)));
  return {
    cpuMs: tree.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
    peakMemoryBytes: peaks.reduce((sum, peak) => sum + peak, 0),
  };
}

async function allProcesses(): Promise<Process[]> {
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, "utf8").catch(() => "")));
  return stats.flatMap((stat) => readStat(stat) ?? []);
}

/** `pid (name) state parent …`: the name may hold anything, so the rest is counted from its end. See proc(5). */
function readStat(stat: string): Process | undefined {
  const end = stat.lastIndexOf(")");
  if (end < 0) return undefined;
  const fields = stat.slice(end + 2).split(" ");
  const [user, system, childUser, childSystem] = fields.slice(11, 15).map(Number);
  const ticks = (user ?? 0) + (system ?? 0) + (childUser ?? 0) + (childSystem ?? 0);
  return { pid: Number.parseInt(stat, 10), parent: Number(fields[1]), cpuMs: (ticks * 1000) / TICKS_PER_SECOND };
}

function* descendants(root: number, all: readonly Process[]): Generator<Process> {
  for (const one of all) if (one.pid === root) yield one;
  for (const one of all) if (one.parent === root) yield* descendants(one.pid, all);
}

async function peakMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}
