/** What still runs on each deployment, by what it is doing. */
import { z } from "zod";
import { AdminHttp } from "../../src/admin/admin-http.ts";
import { sql } from "../../src/admin/sql.ts";
import { requireUrl, type RestateSettings } from "../project/restate-settings.ts";

/** Invocations of one deployment by status: `running`, `suspended`, `backing-off`, `paused`. */
export type InFlight = Readonly<Record<string, number>>;

const rowSchema = z.object({ id: z.string(), status: z.string(), count: z.int() });

/** Invocations that began on a deployment and have not completed, by its id. Deployments without any are absent. */
export async function countInFlight({ adminUrl, token }: RestateSettings): Promise<ReadonlyMap<string, InFlight>> {
  const http = new AdminHttp({ url: requireUrl(adminUrl, "admin"), token });
  const rows = await http.query(
    sql`SELECT pinned_deployment_id AS id, status, COUNT(1) AS count FROM sys_invocation
      WHERE pinned_deployment_id IS NOT NULL AND status != 'completed' GROUP BY pinned_deployment_id, status`,
    rowSchema,
  );
  const counts = new Map<string, Record<string, number>>();
  for (const { id, status, count } of rows) counts.set(id, { ...counts.get(id), [status]: count });
  return counts;
}

/** `2 running, 1 paused`; those that an operator looks for first come last, where the eye rests. */
export function inFlightText(counts: InFlight): string {
  const order = ["running", "suspended", "ready", "backing-off", "paused"];
  const statuses = Object.keys(counts).sort((a, b) => order.indexOf(a) - order.indexOf(b));
  return statuses.map((status) => `${counts[status] ?? 0} ${status}`).join(", ") || "-";
}
