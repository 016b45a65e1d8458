/** The app's HTTP face, as far as this page uses it. */
import type { UIMessage } from "ai";
import type { Timeline } from "../../src/admin/timeline/timeline.ts";
import type { Approval } from "../../src/approvals/approvals.ts";

/** What the app says about the playground. */
export interface PlaygroundConfig {
  /** Name of the app. */
  readonly name: string;
  readonly development: boolean;
  /** In development: a key that was made for this page. */
  readonly key?: string;
  /** True when the Worker may be crashed. */
  readonly canCrash: boolean;
  /** Where Restate's own UI is. */
  readonly restateUi?: string;
}

/** Usage of a session. */
export interface Usage {
  readonly inputTokens?: number;
  readonly outputTokens?: number;
}

/** A session as the app shows it. */
export interface SessionView {
  readonly session: string;
  readonly state: "idle" | "running";
  readonly turn?: string;
  readonly invocationId?: string;
  readonly title?: string;
  readonly usage?: Usage;
  readonly turns: number;
  /** Of a turn that runs only the user's. */
  readonly messages: readonly UIMessage[];
}

/** A timeline, and how often Restate has called the app for it, where that is counted. */
export type RunTimeline = Timeline & { readonly requests?: number };

/** The app refused, or failed. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly code: string | undefined;

  constructor(status: number, message: string, code?: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Reads what the app says about this page. It needs no key. */
export function readConfig(): Promise<PlaygroundConfig> {
  return call<PlaygroundConfig>("/playground/config", { headers: { "x-playground": "1" } });
}

/** Path of a conversation. */
export function chatPath(agent: string, session?: string): string {
  const parts = ["chat", agent, ...(session === undefined ? [] : [session])];
  return `/${parts.map(encodeURIComponent).join("/")}`;
}

/** Calls with a key. */
export class Api {
  readonly #key: string | undefined;
  readonly #onRefused: () => void;

  /** @param onRefused Called whenever the app does not accept the key. */
  constructor(key: string | undefined, onRefused: () => void) {
    this.#key = key;
    this.#onRefused = onRefused;
  }

  get headers(): Record<string, string> {
    return this.#key === undefined ? {} : { authorization: `Bearer ${this.#key}` };
  }

  async agents(): Promise<readonly string[]> {
    try {
      const { agents } = await this.#call<{ agents: { name: string }[] }>("GET", "/chat");
      return agents.map(({ name }) => name);
    } catch (error) {
      // An app without public sessions has no such route.
      if (error instanceof ApiError && error.status === 404) return [];
      throw error;
    }
  }

  /** @param limit Most turns of which there are messages; 0: none. Default: as many as the app gives. */
  session(agent: string, session: string, limit?: number, signal?: AbortSignal): Promise<SessionView> {
    const query = limit === undefined ? "" : `?limit=${limit}`;
    return this.#call("GET", chatPath(agent, session) + query, { signal });
  }

  interrupt(agent: string, session: string): Promise<unknown> {
    return this.#call("POST", `${chatPath(agent, session)}/interrupt`, { body: {} });
  }

  reset(agent: string, session: string): Promise<unknown> {
    return this.#call("DELETE", chatPath(agent, session));
  }

  /** Posts a message without reading its stream: closing it does not stop the turn. */
  async post(agent: string, body: object): Promise<void> {
    const init = { method: "POST", body: JSON.stringify(body), credentials: "omit" } as const;
    const headers = { ...this.headers, "content-type": "application/json" };
    const response = await fetch(chatPath(agent), { ...init, headers });
    if (response.ok) await response.body?.cancel();
    else throw problemOf(response.status, await response.text());
  }

  timeline(agent: string, session: string, signal?: AbortSignal): Promise<RunTimeline> {
    return this.#call("GET", `${chatPath(agent, session)}/timeline`, { signal });
  }

  cancel(invocationId: string): Promise<unknown> {
    return this.#call("DELETE", `/agents/invocations/${encodeURIComponent(invocationId)}`);
  }

  async pending(agent: string, session: string, signal?: AbortSignal): Promise<readonly Approval[]> {
    const query = new URLSearchParams({ agent, session, state: "pending" });
    const { approvals } = await this.#call<{ approvals: Approval[] }>("GET", `/approvals?${query}`, { signal });
    return approvals;
  }

  answer(id: string, answer: { readonly approved: boolean; readonly reason?: string | undefined }): Promise<unknown> {
    return this.#call("POST", `/approvals/${encodeURIComponent(id)}`, { body: answer });
  }

  crash(): Promise<unknown> {
    return this.#call("POST", "/playground/crash", { body: {} });
  }

  async #call<ANSWER>(
    method: string,
    path: string,
    { body, signal }: { readonly body?: object; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<ANSWER> {
    const headers: Record<string, string> = { ...this.headers, accept: "application/json" };
    if (body !== undefined) headers["content-type"] = "application/json";
    try {
      return await call<ANSWER>(path, {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) this.#onRefused();
      throw error;
    }
  }
}

/** @throws ApiError for an answer that is none of success. */
async function call<ANSWER>(path: string, init: RequestInit): Promise<ANSWER> {
  const response = await fetch(path, { ...init, credentials: "omit", cache: "no-store" });
  const text = await response.text();
  if (!response.ok) throw problemOf(response.status, text);
  return parsed(text) as ANSWER;
}

function problemOf(status: number, text: string): ApiError {
  const { detail, code } = (parsed(text) ?? {}) as { readonly detail?: string; readonly code?: string };
  return new ApiError(status, detail ?? `The app answered ${status}`, code);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What went wrong, for people. */
export function messageOf(error: unknown): string {
  if (error instanceof TypeError) return "The app does not answer. Trying again …";
  return error instanceof Error ? error.message : String(error);
}
