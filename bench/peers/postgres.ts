/** A PostgreSQL of its own for a benchmark: fresh data, default settings, gone afterwards. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chown, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { onFreePorts, startServer } from "../../src/testing/start-server.ts";

const run = promisify(execFile);

const DEBIAN = "/usr/lib/postgresql";
const PROGRAMS = ["initdb", "postgres", "pg_isready", "psql"];
const MISSING = "Cannot start PostgreSQL: it is not installed. On Debian: apt-get install postgresql";
const USER = "bench";

/** A running PostgreSQL. */
export interface Postgres {
  /** Connection string of the database `name`, whether it exists or not. */
  url(name: string): string;
  /** What a query says, as `psql -At` prints it. */
  query(database: string, sql: string): Promise<string>;
  stop(): Promise<void>;
}

/**
 * Starts it on a free loopback port. When this process is root it runs as the user `postgres`, because PostgreSQL
 * refuses to be root.
 *
 * @throws Error that names the Debian package when it is not installed.
 */
export async function startPostgres(): Promise<Postgres> {
  const bin = await binaries();
  const folder = await mkdtemp(join(tmpdir(), "bench-postgres-"));
  try {
    const unprivileged = await unprivilegedPrefix(folder);
    const data = join(folder, "data");
    const initdb = [join(bin, "initdb"), "-D", data, "-U", USER, "--auth=trust", "--encoding=UTF8", "--locale=C"];
    await runIn(folder, [...unprivileged, ...initdb]);
    return await onFreePorts(1, async ([port = 0]) => {
      const server = [join(bin, "postgres"), "-D", data, "-h", "127.0.0.1", "-p", String(port), "-k", ""];
      const [command = "", ...args] = [...unprivileged, ...server];
      const where = ["-h", "127.0.0.1", "-p", String(port), "-U", USER];
      const isReady = (): Promise<boolean> =>
        run(join(bin, "pg_isready"), [...where, "-q"]).then(
          () => true,
          () => false,
        );
      const child = await startServer({ label: "postgres", command, args, env: {}, cwd: folder }, port, isReady);
      const query = async (database: string, sql: string): Promise<string> =>
        (await run(join(bin, "psql"), [...where, "-At", "-d", database, "-c", sql])).stdout.trim();
      return {
        url: (name: string) => `postgresql://${USER}@127.0.0.1:${port}/${name}`,
        query,
        async stop() {
          await child.stop();
          await rm(folder, { recursive: true, force: true });
        },
      };
    });
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** Where the programs are: Debian keeps them out of the PATH, one folder for each major version. */
async function binaries(): Promise<string> {
  const versions = (await readdir(DEBIAN).catch(() => [])).toSorted((a, b) => Number(b) - Number(a));
  const folders = [
    ...versions.map((name) => join(DEBIAN, name, "bin")),
    ...(process.env["PATH"] ?? "").split(delimiter),
  ];
  const found = folders.find((path) => PROGRAMS.every((name) => existsSync(join(path, name))));
  if (found === undefined) throw new Error(MISSING);
  return found;
}

/** The command that makes what follows it unprivileged: none, unless this process is root. */
async function unprivilegedPrefix(folder: string): Promise<string[]> {
  if (process.getuid?.() !== 0) return [];
  const row = (await readFile("/etc/passwd", "utf8")).split("\n").find((line) => line.startsWith("postgres:"));
  if (row === undefined) throw new Error(MISSING);
  const [, , uid, gid] = row.split(":");
  await chown(folder, Number(uid), Number(gid));
  return ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", "--"];
}

async function runIn(cwd: string, [command = "", ...args]: readonly string[]): Promise<void> {
  await run(command, args, { cwd });
}
