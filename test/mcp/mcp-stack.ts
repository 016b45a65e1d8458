/** The stack of the tests of MCP: an app whose agents have MCP servers, and are one. */
import { startEffectServer, type EffectServer } from "../../src/testing/effect-server.ts";
import type { StartedRestate } from "../../src/testing/restate-server.ts";
import {
  answeredToolCalls,
  type RecordedRequest,
  type ScriptedOpenAI,
  type ScriptedReply,
  startScriptedOpenAI,
} from "../../src/testing/scripted-openai.ts";
import { serveDeno, type ServedEndpoint, serveWorker } from "../../src/testing/serve.ts";
import { startTestRestate } from "../e2e/stack.ts";
import { type ScriptedMcp, startScriptedMcp } from "./scripted-mcp.ts";

export const API_KEY = "key-of-the-tests-of-mcp";
export const TOKEN = "token-of-the-scripted-mcp-server";

export class McpStack {
  readonly restate: StartedRestate;
  readonly endpoint: ServedEndpoint;
  readonly openai: ScriptedOpenAI;
  readonly scripted: ScriptedMcp;
  readonly effects: EffectServer;
  /** What the model answers; set by each test. */
  script: (request: RecordedRequest, n: number) => ScriptedReply = () => ({ text: "unscripted" });

  private constructor(parts: Pick<McpStack, "restate" | "endpoint" | "openai" | "scripted" | "effects">) {
    this.restate = parts.restate;
    this.endpoint = parts.endpoint;
    this.openai = parts.openai;
    this.scripted = parts.scripted;
    this.effects = parts.effects;
  }

  /** @param vars More settings, such as where real servers are. */
  static async start(runtime: "workerd" | "deno", vars: Readonly<Record<string, string>> = {}): Promise<McpStack> {
    const [scripted, effects, stackOfRestate, openai] = await Promise.all([
      startScriptedMcp(),
      startEffectServer(),
      startTestRestate(),
      startScriptedOpenAI((request, n) => stack.script(request, n)),
    ]);
    const { restate, trustedCertificates } = stackOfRestate;
    const entry = new URL(`../fixtures/mcp/${runtime === "workerd" ? "worker" : "deno"}.ts`, import.meta.url).pathname;
    const serve = runtime === "workerd" ? serveWorker : serveDeno;
    const all = {
      ...stackOfRestate.vars,
      ...vars,
      OPENAI_BASE_URL: openai.baseURL,
      EFFECT_URL: effects.url,
      SCRIPTED_URL: scripted.url,
      MCP_TOKEN: TOKEN,
      AGENT_API_KEYS: API_KEY,
    };
    const endpoint = await serve({ entry, vars: all, trustedCertificates });
    // Its address is known only now.
    await endpoint.restart({ ...all, SELF_URL: `${endpoint.url}/mcp` });
    const stack: McpStack = new McpStack({ restate, endpoint, openai, scripted, effects });
    await restate.register(`${endpoint.url}/restate`, { http11: runtime === "workerd" });
    return stack;
  }

  async stop(): Promise<void> {
    await Promise.all([
      this.restate.stop(),
      this.endpoint.stop(),
      this.openai.close(),
      this.scripted.close(),
      this.effects.close(),
    ]);
  }

  reset(): void {
    this.openai.reset();
    this.effects.reset();
    this.scripted.reset();
  }

  /** Answers by turn: the first reply before any tool was answered, the next ones after each answered batch. */
  turns(...replies: readonly ScriptedReply[]): void {
    this.script = (request) => {
      let answered = answeredToolCalls(request);
      let turn = 0;
      while (answered > 0) answered -= replies[turn++]?.toolCalls?.length ?? 1;
      return replies[Math.min(turn, replies.length - 1)] ?? { text: "" };
    };
  }

  /** Names of the steps of an invocation, in order. */
  async steps(invocationId: string): Promise<string[]> {
    const rows = await this.restate.journal(invocationId);
    return rows.flatMap(({ entry_type, name }) => (entry_type.startsWith("Command: Run") ? [name ?? ""] : []));
  }
}

/** A tool call of the scripted model. */
export const toolCall = (id: string, name: string, input: object = {}) => ({ id, name, input });
