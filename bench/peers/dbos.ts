/** DBOS: the agent is a workflow in a Node process, checkpointed in PostgreSQL. */
import { onFreePorts } from "../../src/testing/start-server.ts";
import type { RunningSubject, Subject } from "../subject.ts";
import { startHttpSubject } from "./http-subject.ts";
import { inPeers, installPeers } from "./folder.ts";
import { type Postgres, startPostgres } from "./postgres.ts";

const DATABASE = "bench";

/** `@dbos-inc/vercel-ai` on PostgreSQL. */
export const dbos: Subject = {
  name: "dbos",
  label: "DBOS, PostgreSQL",
  async start({ modelUrl }): Promise<RunningSubject> {
    await installPeers();
    const postgres = await startPostgres();
    try {
      return await onFreePorts(1, ([port = 0]) =>
        startHttpSubject({
          port,
          child: {
            label: "DBOS",
            command: process.execPath,
            args: [inPeers("apps/dbos/server.mjs")],
            env: {
              DATABASE_URL: postgres.url(DATABASE),
              MODEL_URL: modelUrl,
              PORT: String(port),
              NODE_ENV: "production",
            },
          },
          storedBytes: (id) => storedBytes(postgres, id),
          dispose: () => postgres.stop(),
        }),
      );
    } catch (error) {
      await postgres.stop();
      throw error;
    }
  },
};

/** Bytes of the columns of the workflow's rows, as PostgreSQL keeps them: long ones compressed, indexes not counted. */
async function storedBytes(postgres: Postgres, id: string): Promise<number> {
  const tables = ["workflow_status", "operation_outputs"];
  const sums = await Promise.all(tables.map((table) => bytesOfRows(postgres, table, `'${id.replaceAll("'", "''")}'`)));
  return sums.reduce((sum, bytes) => sum + bytes, 0);
}

async function bytesOfRows(postgres: Postgres, table: string, id: string): Promise<number> {
  const columns = await postgres.query(
    DATABASE,
    `select string_agg(format('coalesce(pg_column_size(%I), 0)', column_name), '+')
     from information_schema.columns where table_schema = 'dbos' and table_name = '${table}'`,
  );
  const sum = `select coalesce(sum(${columns}), 0) from dbos.${table} where workflow_uuid = ${id}`;
  return Number(await postgres.query(DATABASE, sum));
}
