/** The stack of the end-to-end tests. Each test says what the model answers. */
import { type EffectServer, startEffectServer } from "../../src/testing/effect-server.ts";
import type { StartedRestate } from "../../src/testing/restate-server.ts";
import {
  answeredToolCalls,
  type RecordedRequest,
  type ScriptedOpenAI,
  type ScriptedReply,
  startScriptedOpenAI,
} from "../../src/testing/scripted-openai.ts";
import { serveDeno, type ServedEndpoint, serveWorker } from "../../src/testing/serve.ts";
import { shareOf } from "../thorough.ts";
import { type RestateKind, startTestRestate } from "./stack.ts";

export type Runtime = "workerd" | "deno";
/** Those that this run of the tests is about: all, or those that the environment variable `RUNTIMES` names. */
export const RUNTIMES: readonly Runtime[] = (["workerd", "deno"] as const).filter(
  (runtime) => process.env["RUNTIMES"]?.includes(runtime) ?? true,
);

/** Of these one, another one each time, for the tests called `name`; all of them in a thorough run. */
export function runtimesFor(name: string): readonly Runtime[] {
  return RUNTIMES.length === 1 ? RUNTIMES : shareOf(RUNTIMES, RUNTIMES.length, name);
}

/** A tool call of the scripted model: the tool and the id of its input. */
export const call = (name: string, id: string) => ({ id: `call_${id}`, name, input: { id } });

export class LabStack {
  readonly restate: StartedRestate;
  readonly endpoint: ServedEndpoint;
  readonly openai: ScriptedOpenAI;
  readonly effects: EffectServer;
  /** What the model answers; set by each test. */
  script: (request: RecordedRequest, n: number) => ScriptedReply = () => ({ text: "unscripted" });
  /** How long effects take, in milliseconds. */
  effectMs = 0;

  private constructor(parts: Pick<LabStack, "restate" | "endpoint" | "openai" | "effects">) {
    this.restate = parts.restate;
    this.endpoint = parts.endpoint;
    this.openai = parts.openai;
    this.effects = parts.effects;
  }

  /** @param kind Which Restate. Default: the one that this run of the tests is about. */
  static async start(runtime: Runtime, kind?: RestateKind): Promise<LabStack> {
    const effects = await startEffectServer({ delayMs: () => stack.effectMs });
    const openai = await startScriptedOpenAI((request, n) => stack.script(request, n));
    const { restate, vars, trustedCertificates } = await startTestRestate({}, kind);
    const serve = runtime === "workerd" ? serveWorker : serveDeno;
    const entry = new URL(`../fixtures/lab/${runtime === "workerd" ? "worker" : "deno"}.ts`, import.meta.url).pathname;
    const endpoint = await serve({
      entry,
      vars: { ...vars, OPENAI_BASE_URL: openai.baseURL, EFFECT_URL: effects.url },
      trustedCertificates,
    });
    const stack: LabStack = new LabStack({ restate, endpoint, openai, effects });
    await restate.register(`${endpoint.url}/restate`, { http11: runtime === "workerd" });
    return stack;
  }

  async stop(): Promise<void> {
    await Promise.all([this.restate.stop(), this.endpoint.stop(), this.openai.close(), this.effects.close()]);
  }

  reset(): void {
    this.effects.reset();
    this.openai.reset();
    this.effectMs = 0;
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

  /** Invokes a handler of `Lab`, waits, and tells the steps too. */
  async run(handler: string, prompt: unknown): Promise<{ status: number; body: unknown; steps: string[]; id: string }> {
    const id = await this.restate.send(`Lab/${handler}`, prompt);
    const result = await this.restate.attach(id, 30_000);
    return { ...result, id, steps: await this.steps(id) };
  }
}
