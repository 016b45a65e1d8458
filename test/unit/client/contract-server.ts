/** A loopback server that speaks the agents API as its contract says, and misbehaves on demand. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { listen, readJson } from "../../../src/testing/http-server.ts";

export const API_KEY = "the-key-of-the-tests-0123456789";

/** What a request is answered with instead: before (`refused`, `cut`, `hang`) or after (`cut-after`) it had its effect. */
export type Fault =
  | "cut"
  | "cut-after"
  | "hang"
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string };

/** How an invocation ends. */
export type Outcome =
  | { readonly value?: unknown }
  | { readonly failure: Record<string, unknown>; readonly status: number };

interface Invocation {
  readonly id: string;
  readonly target: string;
  readonly input: unknown;
  /** How many more looks find it running. */
  looks: number;
  isCancelled: boolean;
}

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: unknown;
}

export class ContractServer {
  readonly url: string;
  readonly close: () => Promise<void>;
  readonly requests: SeenRequest[] = [];
  /** In order of execution: each has run once. */
  readonly executed: Invocation[] = [];
  /** For the next requests; undefined: as it should be. */
  faults: (Fault | undefined)[] = [];
  /** How many looks find a new invocation running. */
  looks = 0;
  outcome: (input: unknown, target: string) => Outcome = (input) => ({ value: input });
  readonly #byKey = new Map<string, Invocation>();
  readonly #held: ServerResponse[] = [];

  private constructor(url: string, close: () => Promise<void>) {
    this.url = url;
    this.close = close;
  }

  static async start(): Promise<ContractServer> {
    const listening = await listen((request, response) => server.#handle(request, response));
    const server: ContractServer = new ContractServer(listening.url, () => listening.close());
    return server;
  }

  /** Forgets everything. */
  reset(): void {
    for (const response of this.#held.splice(0)) response.destroy();
    this.requests.length = 0;
    this.executed.length = 0;
    this.faults = [];
    this.looks = 0;
    this.outcome = (input) => ({ value: input });
    this.#byKey.clear();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url = "", headers } = request;
    const body = await readJson(request);
    this.requests.push({ method, url, headers, body });
    const fault = this.faults.shift();
    if (fault === "hang") return void this.#held.push(response);
    if (fault === "cut") return void response.destroy();
    if (typeof fault === "object") {
      return void response.writeHead(fault.status, fault.headers ?? {}).end(fault.body ?? "");
    }
    const answer = this.#answer({ method, url, headers, body });
    if (fault === "cut-after") return void response.destroy();
    const text = answer.body === undefined ? "" : JSON.stringify(answer.body);
    const type =
      text === "" ? {} : { "content-type": answer.status < 400 ? "application/json" : "application/problem+json" };
    response.writeHead(answer.status, { ...type, ...answer.headers }).end(text);
  }

  #answer({ method, url, headers, body }: SeenRequest): ContractAnswer {
    if (headers.authorization !== `Bearer ${API_KEY}`) return refused(401, "unauthorized");
    const [path = ""] = url.split("?");
    const id = /^\/agents\/invocations\/(\w+)$/.exec(path)?.[1];
    if (id !== undefined) {
      const found = this.executed.find((invocation) => invocation.id === id);
      if (found === undefined) return refused(404, "invocation-not-found");
      if (method === "DELETE") {
        if (found.looks <= 0) return refused(409, "invocation-completed", { invocationId: id });
        found.isCancelled = true;
        return { status: 202, body: { id, status: "cancelling" }, headers: {} };
      }
      return this.#result(found);
    }
    if (!/^\/agents(\/[^/]+){2,3}$/.test(path) || path.includes("unknown")) return refused(404, "not-found");
    const target = path.slice("/agents/".length);
    const isWorkflowRun = /^Signup\/[^/]+\/run$/.test(target);
    if (isWorkflowRun && headers["idempotency-key"] !== undefined) return refused(400, "invalid-request");
    const started = isWorkflowRun && this.executed.find((invocation) => invocation.target === target);
    if (started !== undefined && started !== false && headers.prefer !== "respond-async") {
      return refused(409, "workflow-already-started", { invocationId: started.id });
    }
    const key = isWorkflowRun ? "once" : headers["idempotency-key"];
    const invocation = this.#execute(target, key, body);
    return headers.prefer === "respond-async" ? pending(invocation) : this.#result(invocation);
  }

  #execute(target: string, key: string | string[] | undefined, input: unknown): Invocation {
    const name = typeof key === "string" ? `${target} ${key}` : undefined;
    const known = name === undefined ? undefined : this.#byKey.get(name);
    if (known !== undefined) return known;
    const id = `inv_${this.executed.length}test`;
    const invocation: Invocation = { id, target, input, looks: this.looks, isCancelled: false };
    this.executed.push(invocation);
    if (name !== undefined) this.#byKey.set(name, invocation);
    return invocation;
  }

  #result(invocation: Invocation): ContractAnswer {
    const headers = { "x-restate-id": invocation.id };
    if (invocation.isCancelled) return failed(invocation.id, 409, { code: 409, message: "Cancelled" });
    if (invocation.looks-- > 0) return pending(invocation);
    const outcome = this.outcome(invocation.input, invocation.target);
    if ("failure" in outcome) return failed(invocation.id, outcome.status, outcome.failure);
    return { status: 200, body: outcome.value, headers };
  }
}

interface ContractAnswer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers: Record<string, string>;
}

function pending({ id }: Invocation): ContractAnswer {
  const headers = { "x-restate-id": id, location: `/agents/invocations/${id}` };
  return { status: 202, body: { id, status: "running" }, headers };
}

function failed(invocationId: string, status: number, error: Record<string, unknown>): ContractAnswer {
  return {
    ...refused(status, "invocation-failed", { error, invocationId }),
    headers: { "x-restate-id": invocationId },
  };
}

function refused(status: number, code: string, members: Record<string, unknown> = {}): ContractAnswer {
  return {
    status,
    body: { ...members, type: "about:blank", title: code, status, code, detail: `Detail of ${code}` },
    headers: {},
  };
}
