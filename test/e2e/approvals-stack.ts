/** The stack of the tests of approvals. */
import type { Approval } from "../../src/index.ts";
import { type EffectServer, startEffectServer } from "../../src/testing/effect-server.ts";
import type { StartedRestate } from "../../src/testing/restate-server.ts";
import {
  answeredToolCalls,
  type RecordedRequest,
  type ScriptedOpenAI,
  type ScriptedReply,
  type ScriptedToolCall,
  startScriptedOpenAI,
} from "../../src/testing/scripted-openai.ts";
import { serveDeno, type ServedEndpoint, serveWorker } from "../../src/testing/serve.ts";
import { waitUntil } from "../../src/testing/wait.ts";
import type { Runtime } from "./lab-stack.ts";
import { startTestRestate } from "./stack.ts";

export const API_KEY = "api-key-of-the-tests";
export const SECRET = "a secret of the tests that is long enough";

/** A tool call of the scripted model. */
export const call = (name: string, id: string, more: object = {}): ScriptedToolCall => ({
  id: `call_${id}`,
  name,
  input: name === "askUser" ? { question: `Which ${id}?` } : { id, ...more },
});

export interface Answered {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

type OwnRequest = Omit<RequestInit, "headers"> & { readonly headers?: Record<string, string> };

export class ApprovalsStack {
  readonly restate: StartedRestate;
  readonly endpoint: ServedEndpoint;
  readonly openai: ScriptedOpenAI;
  readonly effects: EffectServer;
  /** Called when an effect has been made. */
  onEffect: (name: string, key: string) => void = () => {};
  script: (request: RecordedRequest, n: number) => ScriptedReply = () => ({ text: "unscripted" });

  private constructor(parts: Pick<ApprovalsStack, "restate" | "endpoint" | "openai" | "effects">) {
    this.restate = parts.restate;
    this.endpoint = parts.endpoint;
    this.openai = parts.openai;
    this.effects = parts.effects;
  }

  static async start(runtime: Runtime): Promise<ApprovalsStack> {
    const effects = await startEffectServer({ onEffect: ({ name, key }) => stack.onEffect(name, key) });
    const openai = await startScriptedOpenAI((request, n) => stack.script(request, n));
    const { restate, vars, trustedCertificates } = await startTestRestate();
    const serve = runtime === "workerd" ? serveWorker : serveDeno;
    const file = runtime === "workerd" ? "worker" : "deno";
    const endpoint = await serve({
      entry: new URL(`../fixtures/approvals/${file}.ts`, import.meta.url).pathname,
      vars: {
        ...vars,
        OPENAI_BASE_URL: openai.baseURL,
        EFFECT_URL: effects.url,
        AGENT_API_KEYS: API_KEY,
        APPROVAL_LINK_SECRET: SECRET,
      },
      trustedCertificates,
    });
    const stack: ApprovalsStack = new ApprovalsStack({ restate, endpoint, openai, effects });
    await restate.register(`${endpoint.url}/restate`, { http11: runtime === "workerd" });
    return stack;
  }

  async stop(): Promise<void> {
    await Promise.all([this.restate.stop(), this.endpoint.stop(), this.openai.close(), this.effects.close()]);
  }

  reset(): void {
    this.effects.reset();
    this.openai.reset();
    this.onEffect = () => {};
  }

  /** The model calls these tools, and says "done" when all have been answered. */
  calls(...toolCalls: readonly ScriptedToolCall[]): void {
    this.script = (request) => (answeredToolCalls(request) < toolCalls.length ? { toolCalls } : { text: "done" });
  }

  async request(path: string, init: OwnRequest = {}): Promise<Answered> {
    const headers = { authorization: `Bearer ${API_KEY}`, "content-type": "application/json", ...init.headers };
    const ask = (): Promise<Response> => fetch(this.endpoint.url + path, { ...init, headers, redirect: "manual" });
    // A connection may be left over from before the app died.
    const answer = await ask().catch((error: unknown) => {
      if (init.method !== undefined) throw error;
      return ask();
    });
    const text = await answer.text();
    const isJson = (answer.headers.get("content-type") ?? "").includes("json");
    return { status: answer.status, body: isJson ? (JSON.parse(text) as Answered["body"]) : { text } };
  }

  answer(id: string, approved: boolean, reason?: string): Promise<Answered> {
    return this.request(`/approvals/${id}`, { method: "POST", body: JSON.stringify({ approved, reason }) });
  }

  /** All questions, over all pages. */
  async list(query = ""): Promise<readonly Approval[]> {
    const all: Approval[] = [];
    for (let before = ""; ;) {
      const { status, body } = await this.request(`/approvals?limit=100${query}${before}`);
      if (status !== 200) throw new Error(`GET /approvals answered ${status}: ${JSON.stringify(body)}`);
      const { approvals, next } = body as unknown as { approvals: Approval[]; next?: string };
      all.push(...approvals);
      if (next === undefined) return all;
      before = `&before=${encodeURIComponent(next)}`;
    }
  }

  async get(id: string): Promise<Approval> {
    return (await this.request(`/approvals/${id}`)).body as unknown as Approval;
  }

  /** The pending questions of an invocation, when there are `count` of them. */
  async pendingOf(invocationId: string, count = 1): Promise<readonly Approval[]> {
    let found: readonly Approval[] = [];
    await waitUntil(
      `There are not ${count} pending questions`,
      async () => {
        // The app may be away: some tests kill it.
        const all = await this.list().catch(() => []);
        found = all.filter((approval) => approval.invocationId === invocationId);
        return found.length === count;
      },
      { timeoutMs: 30_000, everyMs: 100 },
    );
    return found;
  }

  /** Starts a run that asks one thing. */
  async ask(service: string, count = 1): Promise<{ readonly run: string; readonly approvals: readonly Approval[] }> {
    const run = await this.restate.send(`${service}/run`, "go");
    return { run, approvals: await this.pendingOf(run, count) };
  }

  /** What the model was told of a tool call. */
  toldOf(toolCallId: string): unknown {
    const items = this.openai.requests.flatMap(({ body }) => body["input"] as readonly Record<string, unknown>[]);
    return items.findLast((item) => item["type"] === "function_call_output" && item["call_id"] === toolCallId)?.[
      "output"
    ];
  }

  async steps(invocationId: string): Promise<string[]> {
    const rows = await this.restate.journal(invocationId);
    return rows.flatMap(({ entry_type, name }) => (entry_type.startsWith("Command: Run") ? [name ?? ""] : []));
  }
}
