/** A Restate, and a Worker whose agent books a room as long as `book b` is not refused. */
import { type EffectServer, startEffectServer } from "../../src/testing/effect-server.ts";
import type { StartedRestate } from "../../src/testing/restate-server.ts";
import { repliesByTurn, type ScriptedOpenAI, startScriptedOpenAI } from "../../src/testing/scripted-openai.ts";
import { type ServedEndpoint, serveWorker } from "../../src/testing/serve.ts";
import { type AdminCaller, adminCaller } from "./admin-caller.ts";
import { startTestRestate } from "./stack.ts";

const TOKEN = "operator-token-of-the-tests";

export class OperatedStack {
  readonly restate: StartedRestate;
  readonly worker: ServedEndpoint;
  readonly effects: EffectServer;
  /** Asks the admin routes. */
  readonly ask: AdminCaller;
  /** Effects that are refused: `<name> <key>`. */
  readonly refused: Set<string>;
  readonly #openai: ScriptedOpenAI;

  private constructor(
    parts: Pick<OperatedStack, "restate" | "worker" | "effects" | "refused"> & { readonly openai: ScriptedOpenAI },
  ) {
    this.restate = parts.restate;
    this.worker = parts.worker;
    this.effects = parts.effects;
    this.refused = parts.refused;
    this.#openai = parts.openai;
    this.ask = adminCaller(parts.worker.url, TOKEN);
  }

  static async start(): Promise<OperatedStack> {
    const refused = new Set<string>();
    const fail = ({ name, key }: { name: string; key: string }) => (refused.has(`${name} ${key}`) ? 500 : undefined);
    const [effects, openai, { restate, vars, trustedCertificates }] = await Promise.all([
      startEffectServer({ fail }),
      startScriptedOpenAI(
        repliesByTurn([
          {
            toolCalls: [{ id: "call_a", name: "look", input: { id: "a" } }],
            usage: { inputTokens: 100, outputTokens: 20 },
          },
          {
            toolCalls: [{ id: "call_b", name: "book", input: { id: "b" } }],
            usage: { inputTokens: 120, outputTokens: 10 },
          },
          { text: "It is booked", usage: { inputTokens: 150, outputTokens: 8 } },
        ]),
      ),
      startTestRestate(),
    ]);
    const worker = await serveWorker({
      entry: new URL("../fixtures/operated/worker.ts", import.meta.url).pathname,
      vars: { ...vars, ADMIN_TOKEN: TOKEN, EFFECT_URL: effects.url, OPENAI_BASE_URL: openai.baseURL },
      trustedCertificates,
    });
    await restate.register(`${worker.url}/restate`, { http11: true });
    return new OperatedStack({ restate, worker, effects, refused, openai });
  }

  async stop(): Promise<void> {
    await Promise.all([this.restate.stop(), this.worker.stop(), this.#openai.close(), this.effects.close()]);
  }
}
