/** A real restate-server, a real runtime, agents whose bookings can be undone, and a server that counts both. */
import { type Effect, type EffectServer, startEffectServer } from "../../src/testing/effect-server.ts";
import { type RestateTestServer, startRestate } from "../../src/testing/restate-server.ts";
import { type ScriptedOpenAI, startScriptedOpenAI } from "../../src/testing/scripted-openai.ts";
import { serveDeno, type ServedEndpoint, serveWorker } from "../../src/testing/serve.ts";
import { waitUntil } from "../../src/testing/wait.ts";
import { encryptionVars, testEncryption } from "../e2e/encryption-vars.ts";
import { promptOf, travelReply } from "../fixtures/rollback/script.ts";

export class RollbackStack {
  readonly restate: RestateTestServer;
  readonly endpoint: ServedEndpoint;
  readonly openai: ScriptedOpenAI;
  readonly effects: EffectServer;
  /** Refuses an effect with a status. */
  refuse: (effect: Effect) => number | undefined = () => undefined;
  /** How long an effect takes, in milliseconds. */
  delayOf: (effect: Effect) => number = normalDelay;

  private constructor(parts: Pick<RollbackStack, "restate" | "endpoint" | "openai" | "effects">) {
    this.restate = parts.restate;
    this.endpoint = parts.endpoint;
    this.openai = parts.openai;
    this.effects = parts.effects;
  }

  static async start(runtime: "workerd" | "deno"): Promise<RollbackStack> {
    const effects = await startEffectServer({
      delayMs: (effect) => stack.delayOf(effect),
      fail: (effect) => stack.refuse(effect),
    });
    const openai = await startScriptedOpenAI(travelReply);
    const restate = await startRestate({ encryption: testEncryption() });
    const serve = runtime === "workerd" ? serveWorker : serveDeno;
    const file = runtime === "workerd" ? "worker" : "deno";
    const entry = new URL(`../fixtures/rollback/${file}.ts`, import.meta.url).pathname;
    const vars = {
      ENVIRONMENT: "development",
      OPENAI_BASE_URL: openai.baseURL,
      EFFECT_URL: effects.url,
      ...encryptionVars(),
    };
    const endpoint = await serve({ entry, vars });
    await restate.register(`${endpoint.url}/restate`, { http11: runtime === "workerd" });
    const stack: RollbackStack = new RollbackStack({ restate, endpoint, openai, effects });
    return stack;
  }

  async stop(): Promise<void> {
    await Promise.all([this.restate.stop(), this.endpoint.stop(), this.openai.close(), this.effects.close()]);
  }

  send(target: string, kind: string, run: string): Promise<string> {
    return this.restate.send(target, promptOf(kind, run));
  }

  /** Effects of a run by name, in the order in which they were made; repetitions included. */
  made(run: string, name: string): string[] {
    return this.effects.effects
      .filter((effect) => effect.name === name && effect.failedWith === undefined && effect.finishedAt !== undefined)
      .filter(({ key }) => key.startsWith(`${run}-`))
      .sort((one, other) => (one.finishedAt ?? 0) - (other.finishedAt ?? 0))
      .map(({ key }) => key.slice(run.length + 1));
  }

  /** How often each undoing of a run was asked for. */
  asked(run: string): Map<string, number> {
    const asked = new Map<string, number>();
    for (const { name, key } of this.effects.effects) {
      if (name !== "undo" || !key.startsWith(`${run}-`)) continue;
      const id = key.slice(run.length + 1);
      asked.set(id, (asked.get(id) ?? 0) + 1);
    }
    return asked;
  }

  /** Waits until so many undoings of a run have been asked for (`asked`) or made. */
  async undoing(run: string, n: number, moment: "asked" | "made"): Promise<void> {
    const count = (): number =>
      this.effects.effects.filter(
        ({ name, key, finishedAt }) =>
          name === "undo" && key.startsWith(`${run}-`) && (moment === "asked" || finishedAt !== undefined),
      ).length;
    await waitUntil(`Waited for undoing ${n} of ${run}`, () => count() >= n, { timeoutMs: 60_000, everyMs: 1 });
  }

  /** Waits until a run has called the tool `wait`, which it does after the booking `last`. */
  async waiting(run: string, last = "c"): Promise<void> {
    const isSent = (): boolean =>
      this.openai.requests.some(({ body, finishedAt }) => {
        const text = JSON.stringify(body["input"]);
        return finishedAt !== undefined && text.includes(`book ${run}-${last} done`);
      });
    await waitUntil(`Waited for ${run} to wait`, isSent, { timeoutMs: 60_000, everyMs: 10 });
  }

  /** The invocations of a run with `continueAsNew`, in order. */
  async segments(invocationId: string): Promise<string[]> {
    const sql = "SELECT id, invoked_by_id FROM sys_invocation WHERE target_service_name = 'Chained'";
    const rows = await this.restate.query<{ id: string; invoked_by_id?: string | null }>(sql);
    const ids = [invocationId];
    for (let at = rows.find(({ id }) => id === invocationId); at !== undefined;) {
      const { id: caller } = at;
      at = rows.find(({ invoked_by_id: by }) => by === caller);
      if (at !== undefined) ids.push(at.id);
    }
    return ids;
  }

  /** Keys of the undo steps whose result Restate has. */
  async durable(invocationId: string, run: string): Promise<string[]> {
    const rows = await this.restate.journal(invocationId);
    const completed = new Set<string>();
    for (const { entry_type, raw } of rows) {
      const id = /"CompletionId":(\d+)/.exec(raw ?? "")?.[1];
      if (entry_type === "Notification: Run" && id !== undefined) completed.add(id);
    }
    return rows.flatMap(({ name, raw }) => {
      const key = new RegExp(`undo book call-${run}-(\\w+)`).exec(name ?? "")?.[1];
      const own = key ?? (name?.includes("rollback release the car") === true ? "e" : undefined);
      return own !== undefined && completed.has(/"completion_id":(\d+)/.exec(raw ?? "")?.[1] ?? "") ? [own] : [];
    });
  }
}

/** `a` is booked before `b`, and undoing takes long enough to die in. */
export function normalDelay({ name, key }: Effect): number {
  if (name.startsWith("undo")) return 60;
  return key.endsWith("-b") ? 150 : 5;
}
