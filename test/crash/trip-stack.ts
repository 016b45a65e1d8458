/** The stack of the crash tests: real restate-server, real workerd or Deno, a scripted model, countable effects. */
import { type EffectServer, startEffectServer } from "../../src/testing/effect-server.ts";
import { type RestateServerOptions, type RestateTestServer, startRestate } from "../../src/testing/restate-server.ts";
import { type ScriptedOpenAI, startScriptedOpenAI } from "../../src/testing/scripted-openai.ts";
import { serveDeno, type ServedEndpoint, serveWorker } from "../../src/testing/serve.ts";
import type { TripResult } from "../fixtures/trip/agents.ts";
import { encryptionVars, isEncrypted, testEncryption } from "../e2e/encryption-vars.ts";
import { effectOfStep, expectedEffects, expectedModelCalls } from "../fixtures/trip/plan.ts";
import { tripReply, type TripTurn, turnOf } from "../fixtures/trip/script.ts";

export type Runtime = "workerd" | "deno";

export class TripStack {
  readonly restate: RestateTestServer;
  readonly endpoint: ServedEndpoint;
  readonly openai: ScriptedOpenAI;
  readonly effects: EffectServer;
  /** Called after every effect and every model call, with the run and its running number. */
  onEvent: (run: string, n: number) => void = () => {};
  readonly #events = new Map<string, number>();
  /** How often each model call was asked for, by run. Noted as it comes: conversations are long, and there are many. */
  readonly #modelCalls = new Map<string, Map<string, number>>();

  private constructor(parts: Pick<TripStack, "restate" | "endpoint" | "openai" | "effects">) {
    this.restate = parts.restate;
    this.endpoint = parts.endpoint;
    this.openai = parts.openai;
    this.effects = parts.effects;
  }

  static async start(
    runtime: Runtime,
    {
      window = true,
      encrypted = isEncrypted(),
      ...options
    }: RestateServerOptions & { readonly window?: boolean; readonly encrypted?: boolean } = {},
  ): Promise<TripStack> {
    const event = (run: string): void => stack.#event(run);
    const effects = await startEffectServer({
      delayMs: 8,
      onEffect: ({ key }) => event(key.replace(/-\w+(\/\w+)?$/, "")),
    });
    const openai = await startScriptedOpenAI((request) => {
      const turn = turnOf(request);
      stack.#modelCall(turn);
      event(turn.run);
      return tripReply(turn);
    });
    const vars = {
      OPENAI_BASE_URL: openai.baseURL,
      EFFECT_URL: effects.url,
      ENVIRONMENT: "development",
      WINDOW: window ? "on" : "off",
      ...encryptionVars(encrypted),
    };
    const serve = runtime === "workerd" ? serveWorker : serveDeno;
    const entry = new URL(`../fixtures/trip/${runtime === "workerd" ? "worker" : "deno"}.ts`, import.meta.url).pathname;
    const [restate, endpoint] = await Promise.all([
      startRestate({ encryption: testEncryption(encrypted), ...options }),
      serve({ entry, vars }),
    ]);
    const stack: TripStack = new TripStack({ restate, endpoint, openai, effects });
    await restate.register(`${endpoint.url}/restate`, { http11: runtime === "workerd" });
    return stack;
  }

  async stop(): Promise<void> {
    await Promise.all([this.restate.stop(), this.endpoint.stop(), this.openai.close(), this.effects.close()]);
  }

  #event(run: string): void {
    const n = (this.#events.get(run) ?? 0) + 1;
    this.#events.set(run, n);
    this.onEvent(run, n);
  }

  #modelCall({ agent, run, turn }: TripTurn): void {
    const calls = this.#modelCalls.get(run) ?? new Map<string, number>();
    this.#modelCalls.set(run, calls);
    const key = `model ${agent} ${turn}`;
    calls.set(key, (calls.get(key) ?? 0) + 1);
  }

  /** How often each effect and model call of `run` happened, as `<name> <key>`. */
  counts(run: string): Map<string, number> {
    const counts = new Map(this.#modelCalls.get(run));
    for (const [effect, count] of this.effects.counts()) {
      if (effect.split(" ")[1]?.startsWith(`${run}-`) === true) counts.set(effect, count);
    }
    return counts;
  }

  /** The effects and model calls whose result Restate has: they must never happen again. */
  async durable(invocationId: string): Promise<Set<string>> {
    const rows = await this.restate.journal(invocationId);
    const completed = new Set<string>();
    for (const { entry_type, raw } of rows) {
      const id = /"CompletionId":(\d+)/.exec(raw ?? "")?.[1];
      if (entry_type === "Notification: Run" && id !== undefined) completed.add(id);
    }
    const isDurable = ({ raw }: { readonly raw?: string }): boolean =>
      completed.has(/"completion_id":(\d+)/.exec(raw ?? "")?.[1] ?? "");
    return new Set(rows.filter(isDurable).flatMap(({ name }) => effectOfStep(name ?? "") ?? []));
  }
}

/** Everything that a run must do, each once. */
export function expectedCounts(run: string): Map<string, number> {
  const keys = [...expectedEffects(run), ...expectedModelCalls().map((call) => `model ${call}`)];
  return new Map(keys.map((key) => [key, 1]));
}

/** The result without what legitimately depends on who finished first. */
export function normalized(result: TripResult, run: string): TripResult {
  const text = JSON.stringify({ ...result, outputs: [...result.outputs].sort() });
  return JSON.parse(text.replaceAll(`${run}`, "RUN")) as TripResult;
}
