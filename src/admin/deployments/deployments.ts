import { z } from "zod";
import type { AdminHttp } from "../admin-http.ts";
import {
  type Deployment,
  type DeploymentChanges,
  deploymentChangesSchema,
  deploymentSchema,
  type DetailedDeployment,
  detailedDeploymentSchema,
  type HttpRegistration,
  type LambdaRegistration,
  type RegisteredDeployment,
  registeredDeploymentSchema,
  registrationSchema,
} from "./deployment-schemas.ts";
import { ask, command, type Command, type Operation } from "../operation.ts";
import { SERVICE_OPERATIONS } from "./services.ts";
import { sql } from "../sql.ts";

/** What `deployments` of the client calls. */
export const DEPLOYMENT_OPERATIONS: {
  readonly list: Operation<{ readonly deployments: readonly Deployment[] }>;
  readonly get: Operation<DetailedDeployment>;
  readonly register: Operation<RegisteredDeployment, HttpRegistration | LambdaRegistration>;
  readonly update: Operation<DetailedDeployment, DeploymentChanges>;
  readonly remove: Command<never, "force">;
} = {
  list: { method: "GET", path: "/deployments", answer: z.object({ deployments: deploymentSchema.array() }) },
  get: { method: "GET", path: "/deployments/{deployment}", answer: detailedDeploymentSchema },
  register: { method: "POST", path: "/deployments", body: registrationSchema, answer: registeredDeploymentSchema },
  update: {
    method: "PATCH",
    path: "/deployments/{deployment}",
    body: deploymentChangesSchema,
    answer: detailedDeploymentSchema,
  },
  remove: { method: "DELETE", path: "/deployments/{deployment}", query: ["force"] },
};

/** Whether a deployment is still needed. */
export interface DrainStatus {
  /** Invocations that began on it and have not completed; paused and suspended ones count. */
  readonly pinnedInvocations: number;
  /** Services whose new invocations go to it. */
  readonly latestOf: readonly string[];
  /** Nothing needs it: no invocation, no service. */
  readonly drained: boolean;
}

const countSchema = z.object({ count: z.int() });
const pinnedSchema = z.object({ id: z.string(), count: z.int() });

/** Deployments. An unknown one is a `RestateRefusedError` (404). */
export class Deployments {
  readonly #http: AdminHttp;

  constructor(http: AdminHttp) {
    this.#http = http;
  }

  async list(): Promise<readonly Deployment[]> {
    const { deployments } = await ask(this.#http, DEPLOYMENT_OPERATIONS.list);
    return deployments;
  }

  get(id: string): Promise<DetailedDeployment> {
    return ask(this.#http, DEPLOYMENT_OPERATIONS.get, { params: [id] });
  }

  /**
   * Registers a deployment: Restate asks it for its services, and sends new invocations of them to it.
   *
   * @throws RestateRefusedError when it does not answer (`META0003`), when its URI is known with other services
   * (409, `META0004`), and when services changed incompatibly (409).
   */
  register(registration: HttpRegistration | LambdaRegistration): Promise<RegisteredDeployment> {
    // Restate's default of `force` depends on the version of its API, so it is always said.
    const body = { ...registration, force: registration.force ?? false };
    return ask(this.#http, DEPLOYMENT_OPERATIONS.register, { body });
  }

  /** Changes where a deployment is or what is sent to it: for repairing one that invocations are pinned to. */
  update(id: string, changes: DeploymentChanges): Promise<DetailedDeployment> {
    return ask(this.#http, DEPLOYMENT_OPERATIONS.update, { params: [id], body: changes });
  }

  /**
   * Deletes a deployment, whether or not it is needed: ask `drained()` before. Restate has no other deletion, see
   * DESIGN.md, "The Admin API".
   */
  remove(id: string): Promise<void> {
    return command(this.#http, DEPLOYMENT_OPERATIONS.remove, { params: [id], query: { force: true } });
  }

  /**
   * For each deployment with any, how many invocations began on it and have not completed; paused and suspended ones count.
   * Those that have not begun are pinned to none: they go to the latest one.
   */
  async pinnedInvocations(): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#http.query(
      sql`SELECT pinned_deployment_id AS id, COUNT(1) AS count FROM sys_invocation_status WHERE pinned_deployment_id IS NOT NULL AND status != 'completed' GROUP BY pinned_deployment_id`,
      pinnedSchema,
    );
    return new Map(rows.map(({ id, count }) => [id, count]));
  }

  /** Whether a deployment can go. An unknown one is needed by nothing. */
  async drained(id: string): Promise<DrainStatus> {
    const [rows, { services }] = await Promise.all([
      this.#http.query(
        sql`SELECT COUNT(1) AS count FROM sys_invocation_status WHERE pinned_deployment_id = ${id} AND status != 'completed'`,
        countSchema,
      ),
      ask(this.#http, SERVICE_OPERATIONS.list),
    ]);
    const pinnedInvocations = rows[0]?.count ?? 0;
    const latestOf = services.flatMap(({ name, deploymentId }) => (deploymentId === id ? [name] : [])).sort();
    return { pinnedInvocations, latestOf, drained: pinnedInvocations === 0 && latestOf.length === 0 };
  }
}
