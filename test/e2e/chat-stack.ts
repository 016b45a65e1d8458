/** The stack of the chat's tests: real Restate, real workerd or Deno, a scripted model over HTTP, countable effects. */
import type { UIMessage, UIMessageChunk } from "ai";
import type { ChatClient } from "../../src/client/chat-client.ts";
import { createChatClient } from "../../src/client/index.ts";
import { type EffectServer, startEffectServer } from "../../src/testing/effect-server.ts";
import { type RestateServerOptions, type RestateTestServer, startRestate } from "../../src/testing/restate-server.ts";
import {
  type RecordedRequest,
  type ScriptedOpenAI,
  type ScriptedReply,
  startScriptedOpenAI,
} from "../../src/testing/scripted-openai.ts";
import { serveDeno, type ServedEndpoint, serveWorker } from "../../src/testing/serve.ts";
import { waitUntil } from "../../src/testing/wait.ts";
import { encryptionVars, testEncryption } from "./encryption-vars.ts";
import { type CountingProxy, startCountingProxy } from "./counting-proxy.ts";
import type { Runtime } from "./lab-stack.ts";

export const API_KEY = "key-of-the-chat-tests";

/** Options of the stack. */
export interface ChatStackOptions extends RestateServerOptions {
  /** Whether what the app asks of Restate's ingress is counted. */
  readonly countIngress?: boolean;
  /** Folder of the app in test/fixtures. Default `chat`. */
  readonly app?: string;
}

/** See the head of this file. */
export class ChatStack {
  readonly restate: RestateTestServer;
  readonly endpoint: ServedEndpoint;
  readonly openai: ScriptedOpenAI;
  readonly effects: EffectServer;
  /** Between the app and Restate's ingress. */
  readonly ingress: CountingProxy | undefined;
  /** What the model answers; set by each test. */
  script: (request: RecordedRequest) => ScriptedReply | Promise<ScriptedReply> = () => ({ text: "unscripted" });
  /** Called when the model is asked, and at each effect. */
  onEvent: () => void = () => undefined;
  /** How long effects take, in milliseconds. */
  effectMs = 0;
  #sessions = 0;

  private constructor(parts: Pick<ChatStack, "restate" | "endpoint" | "openai" | "effects" | "ingress">) {
    this.restate = parts.restate;
    this.endpoint = parts.endpoint;
    this.openai = parts.openai;
    this.effects = parts.effects;
    this.ingress = parts.ingress;
  }

  static async start(
    runtime: Runtime,
    { countIngress = false, app = "chat", ...options }: ChatStackOptions = {},
  ): Promise<ChatStack> {
    const effects = await startEffectServer({ delayMs: () => stack.effectMs, onEffect: () => stack.onEvent() });
    const openai = await startScriptedOpenAI((request) => {
      stack.onEvent();
      return stack.script(request);
    });
    const restate = await startRestate({ encryption: testEncryption(), ...options });
    const ingress = countIngress ? await startCountingProxy(restate.ingressUrl) : undefined;
    const serve = runtime === "workerd" ? serveWorker : serveDeno;
    const file = runtime === "workerd" ? "worker" : "deno";
    const endpoint = await serve({
      // As in wrangler.toml.
      ...(runtime === "workerd" ? { compatibilityFlags: ["nodejs_compat", "enable_request_signal"] } : {}),
      entry: new URL(`../fixtures/${app}/${file}.ts`, import.meta.url).pathname,
      vars: {
        ENVIRONMENT: "development",
        RESTATE_INGRESS_URL: ingress?.url ?? restate.ingressUrl,
        RESTATE_ADMIN_URL: restate.adminUrl,
        OPENAI_BASE_URL: openai.baseURL,
        EFFECT_URL: effects.url,
        AGENT_API_KEYS: API_KEY,
        ...encryptionVars(),
      },
    });
    const stack: ChatStack = new ChatStack({ restate, endpoint, openai, effects, ingress });
    await restate.register(`${endpoint.url}/restate`, { http11: runtime === "workerd" });
    return stack;
  }

  async stop(): Promise<void> {
    const { restate, endpoint, openai, effects, ingress } = this;
    await Promise.all([restate.stop(), endpoint.stop(), openai.close(), effects.close(), ingress?.close()]);
  }

  reset(): void {
    this.effects.reset();
    this.openai.reset();
    this.effectMs = 0;
    this.onEvent = () => undefined;
  }

  /** The key of a conversation that nobody has had yet. */
  newSession(): string {
    this.#sessions += 1;
    return `c${this.#sessions}`;
  }

  /** The conversations, as the client tells of them. */
  chats(agent = "Chat"): ChatClient {
    return createChatClient({ url: this.endpoint.url, agent, apiKey: API_KEY });
  }

  /** The history's messages. */
  async messages(session: string, agent = "Chat"): Promise<readonly UIMessage[]> {
    return (await this.chats(agent).get(session)).messages;
  }

  /** Waits until no turn runs. */
  async isIdle(session: string, agent = "Chat"): Promise<void> {
    const chats = this.chats(agent);
    await waitUntil("The session is not idle", async () => (await chats.get(session, { limit: 0 })).state === "idle", {
      everyMs: 30,
      timeoutMs: 60_000,
    });
  }

  /** A request with the API key. */
  fetch(path: string, init: RequestInit & { readonly json?: unknown } = {}): Promise<Response> {
    const { json, ...rest } = init;
    const headers = new Headers(rest.headers);
    if (!headers.has("authorization")) headers.set("authorization", `Bearer ${API_KEY}`);
    if (json !== undefined) headers.set("content-type", "application/json");
    const body = json === undefined ? {} : { body: JSON.stringify(json), method: "POST" };
    return fetch(this.endpoint.url + path, { ...body, ...rest, headers });
  }
}

/** One event of an answer. */
export interface StreamedEvent {
  readonly id: number | undefined;
  readonly chunk: UIMessageChunk;
}

/** What was streamed, to its end. */
export interface Streamed {
  readonly events: readonly StreamedEvent[];
  /** Whether the AI SDK's end mark came. */
  readonly isDone: boolean;
}

/** Reads an answer as text: independent of the client. `until` leaves it early. */
export async function streamed(response: Response, until?: (event: StreamedEvent) => boolean): Promise<Streamed> {
  const events: StreamedEvent[] = [];
  let isDone = false;
  let text = "";
  const decoder = new TextDecoder();
  for await (const bytes of response.body ?? []) {
    text += decoder.decode(bytes, { stream: true });
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const id = /^id: (\d+)$/m.exec(block)?.[1];
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (data === "[DONE]") isDone = true;
      if (data === undefined || data === "[DONE]") continue;
      const event = { id: id === undefined ? undefined : Number(id), chunk: JSON.parse(data) as UIMessageChunk };
      events.push(event);
      if (until?.(event) === true) return { events, isDone };
    }
  }
  return { events, isDone };
}

/** The texts of a message. */
export function textOf(message: UIMessage | undefined): string {
  return (message?.parts ?? []).flatMap((part) => (part.type === "text" ? [part.text] : [])).join("|");
}
