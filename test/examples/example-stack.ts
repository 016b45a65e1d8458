/** All examples in one Worker, on a real restate-server; each test says what the model answers. */
import { type EffectServer, startEffectServer } from "../../src/testing/effect-server.ts";
import { type RestateTestServer, startRestate } from "../../src/testing/restate-server.ts";
import {
  type Script,
  type ScriptedOpenAI,
  type ScriptedReply,
  repliesByTurn,
  startScriptedOpenAI,
} from "../../src/testing/scripted-openai.ts";
import { type ServedEndpoint, serveWorker } from "../../src/testing/serve.ts";

const API_KEY = "key-of-the-examples";
const ADMIN_TOKEN = "token-of-the-examples";

/** What an app answered. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed, when it is JSON. */
  readonly body: unknown;
}

export class ExampleStack {
  readonly restate: RestateTestServer;
  readonly worker: ServedEndpoint;
  readonly openai: ScriptedOpenAI;
  readonly effects: EffectServer;
  /** Of those who may invoke agents. */
  readonly apiKey: string = API_KEY;
  /** What the model answers. */
  script: Script = () => ({ text: "unscripted" });

  private constructor(parts: Pick<ExampleStack, "restate" | "worker" | "openai" | "effects">) {
    this.restate = parts.restate;
    this.worker = parts.worker;
    this.openai = parts.openai;
    this.effects = parts.effects;
  }

  /** @param entry The Worker, below `examples/`. */
  static async start({
    entry = "worker.ts",
    vars = {},
  }: { entry?: string; vars?: Record<string, string> } = {}): Promise<ExampleStack> {
    const effects = await startEffectServer();
    const openai = await startScriptedOpenAI((request, n) => stack.script(request, n));
    const restate = await startRestate();
    const worker = await serveWorker({
      entry: new URL(`../../examples/${entry}`, import.meta.url).pathname,
      vars: {
        ENVIRONMENT: "development",
        RESTATE_INGRESS_URL: restate.ingressUrl,
        RESTATE_ADMIN_URL: restate.adminUrl,
        OPENAI_API_KEY: "scripted",
        OPENAI_BASE_URL: openai.baseURL,
        AGENT_API_KEYS: API_KEY,
        ADMIN_TOKEN,
        TRANSCRIPT_URL: `${effects.url}/effect/transcribe`,
        BOOKING_URL: `${effects.url}/effect`,
        MAIL_URL: `${effects.url}/effect/mail`,
        REVIEW_URL: `${effects.url}/effect/review`,
        SCORES_URL: `${effects.url}/effect/score`,
        ...vars,
      },
    });
    const stack: ExampleStack = new ExampleStack({ restate, worker, openai, effects });
    await restate.register(`${worker.url}/restate`, { http11: true });
    return stack;
  }

  async stop(): Promise<void> {
    await Promise.all([this.restate.stop(), this.worker.stop(), this.openai.close(), this.effects.close()]);
  }

  /** Answers by turn of the conversation; see `repliesByTurn`. */
  replies(...replies: readonly ScriptedReply[]): void {
    this.script = repliesByTurn(replies);
    this.openai.reset();
  }

  /** Calls the app as its users do. */
  async fetch(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const token = path.startsWith("/admin") ? ADMIN_TOKEN : API_KEY;
    const response = await fetch(this.worker.url + path, {
      method,
      signal: AbortSignal.timeout(60_000),
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, headers: response.headers, body: parsed(await response.text()) };
  }

  /** Invokes a handler and waits: what it answered. */
  async ask(handler: string, input?: unknown): Promise<unknown> {
    const { status, body } = await this.fetch("POST", `/agents/${handler}`, input);
    if (status !== 200) throw new Error(`${handler} answered ${status}: ${JSON.stringify(body)}`);
    return body;
  }

  /** Invokes a handler without waiting: the invocation's id. */
  async send(handler: string, input?: unknown): Promise<string> {
    const { status, body } = await this.fetch("POST", `/agents/${handler}`, input, { prefer: "respond-async" });
    const { id } = body as { readonly id?: string };
    if (status !== 202 || id === undefined) throw new Error(`${handler} answered ${status}: ${JSON.stringify(body)}`);
    return id;
  }

  /** What the model was asked, as text: the instructions and the input of each request. */
  asked(): string[] {
    return this.openai.requests.map(({ body }) => JSON.stringify(body["input"]));
  }

  /** Names of the steps of an invocation, in order. */
  async steps(invocationId: string): Promise<string[]> {
    const rows = await this.restate.journal(invocationId);
    return rows.flatMap(({ entry_type, name }) => (entry_type.startsWith("Command: Run") ? [name ?? ""] : []));
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
