import type { StoredFailure } from "../encryption/failures.ts";
import type { Sealing } from "../encryption/sealing.ts";
import { waitUntil } from "./wait.ts";

/** One row of an invocation's journal. */
export interface JournalRow {
  readonly index: number;
  /** Such as `Command: Run` or `Notification: Run`. */
  readonly entry_type: string;
  readonly name?: string;
  /** The entry without its payload, as Restate shows it. */
  readonly raw?: string;
  /** ISO 8601 */
  readonly appended_at?: string;
}

/** What an invocation ended with. */
export interface CallResult {
  readonly status: number;
  /** Parsed, when it is JSON. */
  readonly body: unknown;
}

/** How a handler is invoked. */
export interface CallOptions {
  /** Two invocations with the same key are one. */
  readonly idempotencyKey?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Longest wait for the answer, in milliseconds. Default 120,000; then the promise rejects, the invocation goes on. */
  readonly timeoutMs?: number;
}

/** A restate-server, as tests use it: its ingress, its admin API and its tables. */
export class RestateClient {
  readonly ingressUrl: string;
  readonly adminUrl: string;
  /** Bearer token for both. */
  readonly token: string | undefined;
  /** What both ask for besides: `authorization`, when there is a token. */
  readonly headers: Readonly<Record<string, string>>;
  /** Encrypts what handlers are invoked with; decrypts results and states. Undefined: they are as they are. */
  readonly encryption: Sealing | undefined;

  constructor(ingressUrl: string, adminUrl: string, token?: string, encryption?: Sealing) {
    this.encryption = encryption;
    this.ingressUrl = ingressUrl;
    this.adminUrl = adminUrl;
    this.token = token;
    this.headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  }

  /**
   * Registers an endpoint, over an older one of the same URI too.
   *
   * @param options `http11` for servers without cleartext HTTP/2, such as workerd.
   */
  async register(uri: string, { http11 = false }: { readonly http11?: boolean } = {}): Promise<void> {
    await this.#admin("POST", "/deployments", { uri, use_http_11: http11, force: true });
  }

  /** Invokes a handler (`Service/handler` or `Object/key/handler`) and waits for its answer. */
  call(target: string, input?: unknown, options?: CallOptions): Promise<CallResult> {
    return this.#result("POST", `/restate/call/${target}`, input, options);
  }

  /**
   * Invokes a handler without waiting; the invocation's id.
   *
   * @throws Error when Restate does not accept it, such as for a handler that it does not know.
   */
  async send(target: string, input?: unknown, options?: CallOptions): Promise<string> {
    const answer = await this.#ingress("POST", `/restate/send/${target}`, input, options);
    const { status } = answer;
    const body = parse(await answer.text());
    const id = (body as { readonly invocationId?: unknown } | undefined)?.invocationId;
    if (typeof id === "string") return id;
    throw new Error(`Cannot send to ${target}: Restate answered ${status}: ${JSON.stringify(body)}`);
  }

  /** Waits for an invocation's answer. `timeoutMs`: default 120,000. */
  attach(invocationId: string, timeoutMs?: number): Promise<CallResult> {
    return this.#result(
      "GET",
      `/restate/attach/${invocationId}`,
      undefined,
      timeoutMs === undefined ? {} : { timeoutMs },
    );
  }

  /** An invocation's answer, if it has ended; otherwise status 470. */
  output(invocationId: string): Promise<CallResult> {
    return this.#result("GET", `/restate/output/${invocationId}`, undefined);
  }

  /** Cancels an invocation: its handler sees a `CancelledError`. */
  async cancel(invocationId: string): Promise<void> {
    await this.#admin("PATCH", `/invocations/${invocationId}/cancel`);
  }

  /** Ends an invocation without its handler. */
  async killInvocation(invocationId: string): Promise<void> {
    await this.#admin("PATCH", `/invocations/${invocationId}/kill`);
  }

  async pause(invocationId: string): Promise<void> {
    await this.#admin("PATCH", `/invocations/${invocationId}/pause`);
  }

  async resume(invocationId: string): Promise<void> {
    await this.#admin("PATCH", `/invocations/${invocationId}/resume`);
  }

  async resolveAwakeable(id: string, value: unknown): Promise<void> {
    const answer = await this.#ingress("POST", `/restate/awakeables/${id}/resolve`, value);
    const body = await answer.text();
    if (!answer.ok) throw new Error(`Cannot resolve awakeable ${id}: Restate answered ${answer.status}: ${body}`);
  }

  /**
   * Rows of a SQL query over Restate's introspection tables. A server that was restarted asks its former self for a
   * while, and says that it is gone: that is asked again, for at most ten seconds.
   */
  async query<ROW>(sql: string): Promise<ROW[]> {
    let rows: ROW[] = [];
    const isAnswered = async (): Promise<boolean> => {
      try {
        ({ rows } = (await this.#admin("POST", "/query", { query: sql })) as { rows: ROW[] });
        return true;
      } catch (error) {
        if (String(error).includes("was shut down or removed")) return false;
        throw error;
      }
    };
    await waitUntil("Restate cannot answer a query after its restart", isAnswered, { timeoutMs: 30_000, everyMs: 50 });
    return rows;
  }

  /** The status of an invocation, such as `running`, `suspended`, `backing-off`, `paused` or `completed`. */
  async status(invocationId: string): Promise<string | undefined> {
    const rows = await this.query<{ status: string }>(
      `SELECT status FROM sys_invocation WHERE id = ${literal(invocationId)}`,
    );
    return rows[0]?.status;
  }

  /** Waits until an invocation has `status`. `timeoutMs`: default 30,000. */
  async waitForStatus(invocationId: string, status: string, timeoutMs = 30_000): Promise<void> {
    let seen: string | undefined;
    const isReached = async (): Promise<boolean> => (seen = await this.status(invocationId)) === status;
    await waitUntil(`Invocation ${invocationId} is not ${status}`, isReached, { timeoutMs, everyMs: 25 }).catch(
      (error: unknown) => {
        throw new Error(`Invocation ${invocationId} is ${seen ?? "unknown"}, not ${status}, after ${timeoutMs} ms`, {
          cause: error,
        });
      },
    );
  }

  /** The journal of an invocation, in order. */
  async journal(invocationId: string): Promise<JournalRow[]> {
    return this.query<JournalRow>(
      `SELECT index, entry_type, name, entry_lite_json AS raw, appended_at FROM sys_journal WHERE id = ${literal(invocationId)} ORDER BY index`,
    );
  }

  /** The state of a virtual object or workflow, parsed where it is JSON. */
  async state(service: string, key: string): Promise<Record<string, unknown>> {
    const rows = await this.query<{ key: string; value: string }>(
      `SELECT key, encode(value, 'base64') AS value FROM state WHERE service_name = ${literal(service)} AND service_key = ${literal(key)}`,
    );
    const values = rows.map(async (row): Promise<[string, unknown]> => {
      return [row.key, parse(await this.#opened(Buffer.from(row.value, "base64")))];
    });
    return Object.fromEntries(await Promise.all(values));
  }

  /** What an invocation ends with; Restate's own refusals are answered as they are. */
  async #result(method: string, path: string, input: unknown, options?: CallOptions): Promise<CallResult> {
    const answer = await this.#ingress(method, path, input, options);
    const { status } = answer;
    const bytes = new Uint8Array(await answer.arrayBuffer());
    if (answer.ok) return { status, body: parse(await this.#opened(bytes)) };
    const body = parse(new TextDecoder().decode(bytes));
    return { status, body: isFailure(body) ? { ...body, ...(await this.encryption?.openFailure(body)) } : body };
  }

  async #opened(stored: Uint8Array): Promise<string> {
    return new TextDecoder().decode((await this.encryption?.open(stored)) ?? stored);
  }

  async #sealed(input: unknown): Promise<{ readonly body?: BodyInit }> {
    if (input === undefined) return {};
    const text = JSON.stringify(input);
    return { body: (await this.encryption?.seal(new TextEncoder().encode(text))) ?? text };
  }

  async #ingress(method: string, path: string, input: unknown, options: CallOptions = {}): Promise<Response> {
    const { idempotencyKey, headers = {}, timeoutMs = 120_000 } = options;
    return fetch(this.ingressUrl + path, {
      method,
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        ...this.headers,
        ...(input === undefined ? {} : { "content-type": "application/json" }),
        ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }),
        ...headers,
      },
      ...(await this.#sealed(input)),
    });
  }

  async #admin(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(this.adminUrl + path, {
      method,
      signal: AbortSignal.timeout(30_000),
      headers: {
        ...this.headers,
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${answer}`);
    return parse(answer);
  }
}

function isFailure(body: unknown): body is StoredFailure {
  return typeof body === "object" && body !== null && "message" in body && typeof body.message === "string";
}

/** A string of SQL. */
function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function parse(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return text;
  }
}
