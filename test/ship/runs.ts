/** Runs of a clerk: starting them, bringing them where they wait, letting them go on, and what became of them. */
import { waitUntil } from "../../src/testing/wait.ts";
import type { Handled, Order } from "../fixtures/shipped/clerk.ts";
import type { World } from "./world.ts";

/** A started run. */
export interface Run extends Order {
  readonly id: string;
}

/** Names of runs are never used twice. */
let started = 0;

/** Starts as many runs of each kind. */
export async function startRuns(
  { restate }: World,
  service: string,
  counts: Partial<Readonly<Record<Order["kind"], number>>>,
): Promise<Run[]> {
  const orders = Object.entries(counts).flatMap(([kind, count]) =>
    Array.from({ length: count }, (): Order => ({ run: `${kind}-${++started}`, kind: kind as Order["kind"] })),
  );
  return Promise.all(
    orders.map(async (order) => {
      // With a key, what it ended with is kept.
      const id = await restate.send(`${service}/run`, order, { idempotencyKey: order.run });
      return { ...order, id };
    }),
  );
}

/** Waits until each of the runs sleeps, waits for an approval, or waits for the model. */
export async function waitInFlight(world: World, runs: readonly Run[]): Promise<void> {
  const where = (): string => {
    const missing = runs.filter(({ run }) => !world.model.held.has(run) && awakeableOf(world, run) === undefined);
    return missing.map(({ run }) => run).join(", ");
  };
  await waitUntil(`Runs do not wait: ${where()}`, () => where() === "", { timeoutMs: 60_000 }).catch((error) => {
    throw new Error(`Runs do not wait: ${where()}`, { cause: error });
  });
}

/** Lets all of them go on. */
export async function letGo(world: World, runs: readonly Run[]): Promise<void> {
  for (const { run } of runs) {
    world.model.release(run);
    const id = awakeableOf(world, run);
    if (id !== undefined) await world.restate.resolveAwakeable(id, "go");
  }
}

/** What they ended with, in the order of the runs. */
export async function ended({ restate }: World, runs: readonly Run[]): Promise<Handled[]> {
  const results = await Promise.all(runs.map(({ id }) => restate.attach(id, 60_000)));
  return results.map(({ status, body }) => {
    if (status !== 200) throw new Error(`A run ended with ${status}: ${JSON.stringify(body)}`);
    return body as Handled;
  });
}

/** Runs on each deployment. */
export async function pinned({ restate }: World, runs: readonly Run[]): Promise<Readonly<Record<string, number>>> {
  type Row = { readonly deployment: string; readonly runs: number };
  const rows = await restate.query<Row>(
    `SELECT pinned_deployment_id AS deployment, count(*) AS runs FROM sys_invocation WHERE id IN (${listOf(runs)}) GROUP BY pinned_deployment_id`,
  );
  return Object.fromEntries(rows.map(({ deployment, runs: count }) => [deployment, count]));
}

/** Failed attempts of the runs by Restate's code, such as `{ "RT0016": 4 }`: what it tried again. */
export async function failedAttempts({ restate }: World, runs: readonly Run[]): Promise<Record<string, number>> {
  const rows = await restate.query<{ readonly event: string }>(
    `SELECT event_json AS event FROM sys_journal_events WHERE event_type = 'TransientError' AND id IN (${listOf(runs)})`,
  );
  const counts: Record<string, number> = {};
  for (const { event } of rows) {
    const { restate_doc_error_code: code = "other" } = JSON.parse(event) as {
      readonly restate_doc_error_code?: string;
    };
    counts[code] = (counts[code] ?? 0) + 1;
  }
  return counts;
}

function awakeableOf({ effects }: World, run: string): string | undefined {
  const effect = effects.effects.find(({ name, key }) => name === "waiting" && key.startsWith(`${run} `));
  return effect?.key.split(" ")[1];
}

function listOf(runs: readonly Run[]): string {
  return runs.map(({ id }) => `'${id}'`).join(", ");
}
