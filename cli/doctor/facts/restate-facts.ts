import { z } from "zod";
import { AdminHttp } from "../../../src/admin/admin-http.ts";
import { AdminClient, type Deployment, type RegisteredDeployment, type Service } from "../../../src/admin/index.ts";
import type { ServerVersion } from "../../../src/admin/server.ts";
import { sql } from "../../../src/admin/sql.ts";
import { RestateRefusedError } from "../../../src/errors/restate-refused-error.ts";
import { RestateUnauthorizedError } from "../../../src/errors/restate-unauthorized-error.ts";
import { RestateUnexpectedError } from "../../../src/errors/restate-unexpected-error.ts";
import { RestateUnreachableError } from "../../../src/errors/restate-unreachable-error.ts";
import { listRegistered, type RegisteredVersion } from "../../deployments/registered.ts";
import type { RestateSettings } from "../../project/restate-settings.ts";
import type { Tool } from "../../tool/tool.ts";
import { ToolError } from "../../tool/tool-error.ts";
import { NotKnown } from "../check.ts";
import { once } from "./once.ts";
import { type Answered, jsonOf, type Probe, probe } from "../../http/probe.ts";

/** Restate's two doors. */
export type Door = "ingress" | "admin";

/** What Restate found when it asked a URL for its services. */
export type Discovery =
  | { readonly kind: "found"; readonly services: readonly Service[] }
  /** `reason`: Restate's words. */
  | { readonly kind: "failed"; readonly reason: string };

/** An invocation that does not go on by itself. */
export interface StuckInvocation {
  readonly id: string;
  readonly status: string;
  readonly target: string;
  readonly service: string;
  readonly deploymentId?: string | undefined;
  /** Restate's code of its last failure, such as `RT0016`. */
  readonly code?: string | undefined;
}

const stuckSchema = z.object({
  id: z.string(),
  status: z.string(),
  target: z.string(),
  service: z.string(),
  deploymentId: z.string().optional(),
  code: z.string().optional(),
});

/** Longest wait for the Admin API, in milliseconds. */
const ADMIN_TIMEOUT_MS = 10_000;
/** Restate asks an endpoint that refuses several times. */
const DISCOVERY_TIMEOUT_MS = 20_000;

const PATH: Readonly<Record<Door, string>> = { ingress: "/restate/health", admin: "/deployments" };

/** What only this door answers with. */
const MEMBER: Readonly<Record<Door, string>> = { ingress: "services", admin: "deployments" };

/** True for an answer of this door. */
export function isDoor(answer: Answered, door: Door): boolean {
  return answer.status === 200 && Array.isArray(jsonOf(answer)?.[MEMBER[door]]);
}

/** What Restate says. */
export class RestateFacts {
  readonly #tool: Tool;
  readonly #settings: RestateSettings | ToolError;
  readonly #probes: Readonly<Record<Door, () => Promise<Probe>>>;

  constructor(tool: Tool, settings: RestateSettings | ToolError) {
    this.#tool = tool;
    this.#settings = settings;
    this.#probes = { ingress: once(() => this.#probe("ingress")), admin: once(() => this.#probe("admin")) };
  }

  /** What comes of asking at a door, with the token. @throws NotKnown without its address. */
  probe(door: Door): Promise<Probe> {
    return this.#probes[door]();
  }

  /** True when the address of one door leads to the other one. */
  async isSwapped(door: Door): Promise<boolean> {
    const other = door === "admin" ? "ingress" : "admin";
    const found = await this.#probe(door, PATH[other]);
    return found.kind === "answered" && isDoor(found, other);
  }

  /** The addresses and the token. @throws NotKnown when one is malformed. */
  settings(): RestateSettings {
    if (this.#settings instanceof ToolError) throw new NotKnown("A setting is malformed: see `restate-reachable`");
    return this.#settings;
  }

  readonly version = once((): Promise<ServerVersion> => this.#ask((admin) => admin.version()));

  readonly services = once((): Promise<readonly Service[]> => this.#ask((admin) => admin.services.list()));

  /** All deployments, of every app. */
  readonly registered = once((): Promise<readonly RegisteredVersion[]> => this.#ask(listRegistered));

  /** Paused ones, and those whose journal does not match their code. At most 1,000. */
  readonly stuck = once((): Promise<readonly StuckInvocation[]> => this.#ask(() => this.#queryStuck()));

  /** What the services of a deployment said of themselves when they were registered. */
  async servicesOf(deploymentId: string): Promise<readonly Service[]> {
    return this.#ask(async (admin) => (await admin.deployments.get(deploymentId)).services);
  }

  /** Restate asks a URL for its services, as a registration would, and keeps nothing of it. */
  discover(uri: string, { httpVersion, headers }: Partial<Deployment> = {}): Promise<Discovery> {
    const http11 = httpVersion === undefined ? uri.startsWith("http:") : httpVersion === "HTTP/1.1";
    return this.#ask(async (admin): Promise<Discovery> => {
      try {
        const found: RegisteredDeployment = await admin.deployments.register({
          uri,
          http11,
          force: true,
          dryRun: true,
          ...(headers === undefined ? {} : { headers }),
        });
        return { kind: "found", services: found.services };
      } catch (error) {
        if (error instanceof RestateRefusedError) return { kind: "failed", reason: error.message };
        throw error;
      }
    }, DISCOVERY_TIMEOUT_MS);
  }

  #queryStuck(): Promise<StuckInvocation[]> {
    const { adminUrl = "", token } = this.settings();
    return new AdminHttp({ url: adminUrl, token, timeoutMs: ADMIN_TIMEOUT_MS }).query(
      sql`SELECT id, status, target, target_service_name AS service, pinned_deployment_id AS "deploymentId",
        last_failure_error_code AS code FROM sys_invocation
        WHERE status = 'paused' OR last_failure_error_code = 'RT0016' LIMIT 1000`,
      stuckSchema,
    );
  }

  async #probe(door: Door, path = PATH[door]): Promise<Probe> {
    const { adminUrl, ingressUrl, token } = this.settings();
    const url = door === "admin" ? adminUrl : ingressUrl;
    const name = door === "admin" ? "RESTATE_ADMIN_URL" : "RESTATE_INGRESS_URL";
    if (url === undefined) throw new NotKnown(`${name} is not set: see \`restate-reachable\``);
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return probe(url + path, this.#tool.signal, { accept: "application/json", ...headers });
  }

  async #ask<T>(question: (admin: AdminClient) => Promise<T>, timeoutMs = ADMIN_TIMEOUT_MS): Promise<T> {
    const { adminUrl, token } = this.settings();
    if (adminUrl === undefined) throw new NotKnown("RESTATE_ADMIN_URL is not set: see `restate-reachable`");
    try {
      return await question(new AdminClient({ url: adminUrl, token, timeoutMs }));
    } catch (error) {
      if (error instanceof RestateUnreachableError) {
        throw new NotKnown("Restate's Admin API does not answer: see `restate-reachable`");
      }
      if (error instanceof RestateUnauthorizedError) {
        throw new NotKnown("Restate's Admin API does not accept the token: see `token`");
      }
      if (error instanceof RestateUnexpectedError) {
        throw new NotKnown("What answers at RESTATE_ADMIN_URL is not understood: see `restate-reachable`");
      }
      throw error;
    }
  }
}
