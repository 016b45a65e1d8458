/** The stack of the end-to-end tests of sessions: a real Restate, a real runtime, a scripted model, countable effects. */
import { type EffectServer, startEffectServer } from "../../src/testing/effect-server.ts";
import type { CallResult } from "../../src/testing/restate-client.ts";
import { type RestateServerOptions, type RestateTestServer, startRestate } from "../../src/testing/restate-server.ts";
import {
  type RecordedRequest,
  type ScriptedOpenAI,
  type ScriptedReply,
  startScriptedOpenAI,
} from "../../src/testing/scripted-openai.ts";
import { serveDeno, type ServedEndpoint, serveWorker } from "../../src/testing/serve.ts";
import { waitUntil } from "../../src/testing/wait.ts";
import type { HistoryAnswer, SessionAnswer, SessionMessage, SessionStatus } from "../../src/session/session-types.ts";
import { type CountingProxy, startCountingProxy } from "./counting-proxy.ts";
import { encryptionVars, testEncryption } from "./encryption-vars.ts";
import type { Runtime } from "./lab-stack.ts";

/** Options of the stack. */
export interface SessionStackOptions extends RestateServerOptions {
  /** Which app. Default: that of test/fixtures/session. */
  readonly fixture?: string;
}

/** See the head of this file. */
export class SessionStack {
  readonly restate: RestateTestServer;
  readonly endpoint: ServedEndpoint;
  readonly openai: ScriptedOpenAI;
  readonly effects: EffectServer;
  /** Between Restate and the endpoint. Deno's protocol does not go through it. */
  readonly proxy: CountingProxy | undefined;
  /** What the model answers; set by each test. */
  script: (request: RecordedRequest, n: number) => ScriptedReply | Promise<ScriptedReply> = () => ({
    text: "unscripted",
  });
  /** How long effects take, in milliseconds. */
  effectMs = 0;
  #sessions = 0;

  private constructor(parts: Pick<SessionStack, "restate" | "endpoint" | "openai" | "effects" | "proxy">) {
    this.restate = parts.restate;
    this.endpoint = parts.endpoint;
    this.openai = parts.openai;
    this.effects = parts.effects;
    this.proxy = parts.proxy;
  }

  static async start(
    runtime: Runtime,
    { fixture = "session", ...options }: SessionStackOptions = {},
  ): Promise<SessionStack> {
    const effects = await startEffectServer({ delayMs: () => stack.effectMs });
    const openai = await startScriptedOpenAI((request, n) => stack.script(request, n));
    const restate = await startRestate({ encryption: testEncryption(), ...options });
    const serve = runtime === "workerd" ? serveWorker : serveDeno;
    const file = runtime === "workerd" ? "worker" : "deno";
    const entry = new URL(`../fixtures/${fixture}/${file}.ts`, import.meta.url).pathname;
    const endpoint = await serve({
      entry,
      vars: {
        ENVIRONMENT: "development",
        RESTATE_INGRESS_URL: restate.ingressUrl,
        RESTATE_ADMIN_URL: restate.adminUrl,
        OPENAI_BASE_URL: openai.baseURL,
        EFFECT_URL: effects.url,
        ...encryptionVars(),
      },
    });
    const proxy = runtime === "workerd" ? await startCountingProxy(endpoint.url) : undefined;
    const stack: SessionStack = new SessionStack({ restate, endpoint, openai, effects, proxy });
    await restate.register(`${proxy?.url ?? endpoint.url}/restate`, { http11: runtime === "workerd" });
    return stack;
  }

  async stop(): Promise<void> {
    await Promise.all([
      this.restate.stop(),
      this.endpoint.stop(),
      this.openai.close(),
      this.effects.close(),
      this.proxy?.close(),
    ]);
  }

  reset(): void {
    this.effects.reset();
    this.openai.reset();
    this.effectMs = 0;
  }

  /** A conversation that nobody has had yet. */
  conversation(service = "Chat"): Conversation {
    this.#sessions += 1;
    return new Conversation(this, service, `s${this.#sessions}`);
  }

  /** Messages of a model call, in short: `user: …`, `assistant: …`, `call book`, `result …`. */
  prompt(n = -1): string[] {
    return promptOf(this.openai.requests.at(n));
  }
}

/** One conversation. */
export class Conversation {
  readonly service: string;
  readonly key: string;
  readonly #stack: SessionStack;

  constructor(stack: SessionStack, service: string, key: string) {
    this.#stack = stack;
    this.service = service;
    this.key = key;
  }

  /** Calls a handler and waits. */
  call(handler: string, input?: unknown): Promise<CallResult> {
    return this.#stack.restate.call(`${this.service}/${this.key}/${handler}`, input);
  }

  /** Calls a handler and waits. Fails when it fails. */
  async ask<T>(handler: string, input?: unknown): Promise<T> {
    const { status, body } = await this.call(handler, input);
    if (status < 300) return body as T;
    throw new Error(`${handler} answered ${status}: ${JSON.stringify(body)}`);
  }

  /** One turn. */
  say(message: string, turn?: string): Promise<SessionAnswer> {
    return this.ask("send", turn === undefined ? message : { message, turn });
  }

  /** Sends a turn and does not wait; the invocation. */
  begin(message: string, turn: string): Promise<string> {
    const target = `${this.service}/${this.key}/send`;
    return this.#stack.restate.send(target, { message, turn }, { idempotencyKey: turn });
  }

  status(): Promise<SessionStatus> {
    return this.ask("status");
  }

  async messages(): Promise<readonly SessionMessage[]> {
    return (await this.ask<HistoryAnswer<SessionMessage>>("history")).messages;
  }

  /** Waits until `turn` runs. */
  async runs(turn: string): Promise<void> {
    await waitUntil(`Turn ${turn} does not run`, async () => (await this.status()).turn === turn, { everyMs: 20 });
  }

  /** Waits until the tool `sleepLong` sleeps in an invocation. */
  async sleeps(invocationId: string): Promise<void> {
    const isThere = async (): Promise<boolean> =>
      (await this.#stack.restate.journal(invocationId)).some(({ entry_type }) => entry_type === "Command: Sleep");
    await waitUntil("Nothing sleeps", isThere, { everyMs: 20 });
  }

  /** Waits until nothing runs. */
  async isIdle(): Promise<void> {
    await waitUntil("The session is not idle", async () => (await this.status()).state === "idle", { everyMs: 20 });
  }
}

interface Item {
  readonly type?: string;
  readonly role?: string;
  readonly content?: string | readonly { readonly text?: string }[];
  readonly name?: string;
  readonly output?: unknown;
}

/** What a model was asked, in short. Instructions are left out. */
export function promptOf(request: RecordedRequest | undefined): string[] {
  const items = (request?.body["input"] ?? []) as readonly Item[];
  return items.flatMap(({ type, role, content, name, output }) => {
    if (type === "function_call") return [`call ${name}`];
    if (type === "function_call_output")
      return [`result ${typeof output === "string" ? output : JSON.stringify(output)}`];
    if (role === "system" || role === "developer" || content === undefined) return [];
    const text = typeof content === "string" ? content : content.map((part) => part.text ?? "").join("");
    return [`${role}: ${text}`];
  });
}

/** The last user message of a request: what tells its turn. */
export function lastUser(request: RecordedRequest): string {
  return (
    promptOf(request)
      .findLast((line) => line.startsWith("user: "))
      ?.slice("user: ".length) ?? ""
  );
}

/** The text of a message. */
export function textOf(message: SessionMessage | undefined): string {
  return (message?.parts ?? []).flatMap((part) => (part.type === "text" ? [part.text] : [])).join("|");
}
