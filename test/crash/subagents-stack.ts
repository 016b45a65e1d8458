/** A family of agents on two Workers: the parent on one, all children on the other. */
import { type EffectServer, startEffectServer } from "../../src/testing/effect-server.ts";
import { type RestateTestServer, startRestate } from "../../src/testing/restate-server.ts";
import { type RecordedRequest, type ScriptedOpenAI, startScriptedOpenAI } from "../../src/testing/scripted-openai.ts";
import { type ScriptedReply, turnOfConversation } from "../../src/testing/scripted-reply.ts";
import { type ServedEndpoint, serveWorker } from "../../src/testing/serve.ts";
import { encryptionVars, testEncryption } from "../e2e/encryption-vars.ts";

/** Children of one agent. */
export const CHILDREN = 4;
/** Of a run: a model call asks for the children, and one answers, at each of 1 + 4 + 16 agents. */
export const MODEL_CALLS = 2 * (1 + CHILDREN + CHILDREN * CHILDREN);
/** The scripted model's usage of one call. */
const TOKENS = 15;
export const USAGE: number = MODEL_CALLS * TOKENS;

/** How the names of runs begin that never end by themselves. */
export const WAITING = "w";
/** What happens in such a run until only the waiting is left: all are asked, and 12 leaves act and answer. */
export const EVENTS_BEFORE_WAITING: number = 1 + CHILDREN + CHILDREN * CHILDREN + 2 * CHILDREN * (CHILDREN - 1);

/** Whose call it is. */
interface Asked {
  readonly level: string;
  /** `<run>`, `<run>.0`, `<run>.0.3` */
  readonly path: string;
  readonly turn: number;
}

function askedBy(request: RecordedRequest): Asked {
  const text = JSON.stringify(request.body["input"]);
  const level = /You are (\w+)\./.exec(text)?.[1] ?? "";
  const path = /task ([\w.-]+)/.exec(text)?.[1] ?? "";
  return { level, path, turn: turnOfConversation(request) };
}

function reply({ level, path, turn }: Asked): ScriptedReply {
  if (turn > 0) return { text: `done ${path}`, delayMs: 5 };
  // Of a run that waits, each last leaf does so for an hour.
  if (level === "leaf" && path.startsWith(WAITING) && path.endsWith(`.${CHILDREN - 1}`)) {
    return { toolCalls: [{ id: `${path}-wait`, name: "wait", input: {} }], delayMs: 5 };
  }
  if (level === "leaf") return { toolCalls: [{ id: `${path}-act`, name: "act", input: { key: path } }], delayMs: 5 };
  const children = Array.from({ length: CHILDREN }, (_, n) => ({
    id: `${path}.${n}`,
    name: n % 2 === 0 ? "local" : "remote",
    input: { prompt: `task ${path}.${n}` },
  }));
  return { toolCalls: children, delayMs: 5 };
}

/** See the head of this file. */
export class FamilyStack {
  readonly restate: RestateTestServer;
  readonly parent: ServedEndpoint;
  readonly children: ServedEndpoint;
  readonly openai: ScriptedOpenAI;
  readonly effects: EffectServer;
  /** Called after every effect and at every model call, with the run and its running number. */
  onEvent: (run: string, n: number) => void = () => {};
  readonly #events = new Map<string, number>();

  private constructor(parts: Pick<FamilyStack, "restate" | "parent" | "children" | "openai" | "effects">) {
    this.restate = parts.restate;
    this.parent = parts.parent;
    this.children = parts.children;
    this.openai = parts.openai;
    this.effects = parts.effects;
  }

  static async start(): Promise<FamilyStack> {
    const event = (path: string): void => stack.#event(path.replace(/\..*$/, ""));
    const effects = await startEffectServer({ delayMs: 30, onEffect: ({ key }) => event(key) });
    const openai = await startScriptedOpenAI((request) => {
      const asked = askedBy(request);
      event(asked.path);
      return reply(asked);
    });
    const vars = {
      OPENAI_BASE_URL: openai.baseURL,
      EFFECT_URL: effects.url,
      ENVIRONMENT: "development",
      ...encryptionVars(),
    };
    const serve = ({ pathname: entry }: URL): Promise<ServedEndpoint> => serveWorker({ entry, vars });
    const [restate, parent, children] = await Promise.all([
      startRestate({ encryption: testEncryption() }),
      serve(new URL("../fixtures/subagents/parent.ts", import.meta.url)),
      serve(new URL("../fixtures/subagents/children.ts", import.meta.url)),
    ]);
    const stack: FamilyStack = new FamilyStack({ restate, parent, children, openai, effects });
    for (const { url } of [children, parent]) await restate.register(`${url}/restate`, { http11: true });
    return stack;
  }

  async stop(): Promise<void> {
    const { restate, parent, children, openai, effects } = this;
    await Promise.all([restate.stop(), parent.stop(), children.stop(), openai.close(), effects.close()]);
  }

  /** Events of a run so far. */
  events(run: string): number {
    return this.#events.get(run) ?? 0;
  }

  /** How often each leaf of `run` has acted. */
  counts(run: string): Map<string, number> {
    const counts = [...this.effects.counts()].map(([effect, count]) => [effect.split(" ")[1] ?? "", count] as const);
    return new Map(counts.filter(([key]) => key.startsWith(`${run}.`)));
  }

  /** The leaves of all runs whose effect Restate has: it must never happen again. */
  async durable(): Promise<Set<string>> {
    const rows = await this.restate.query<{ id: string; entry_type: string; name?: string; raw?: string }>(
      "SELECT id, entry_type, name, entry_lite_json AS raw FROM sys_journal WHERE entry_type IN ('Command: Run', 'Notification: Run')",
    );
    const completed = new Set<string>();
    for (const { id, entry_type, raw } of rows) {
      const completion = /"CompletionId":(\d+)/.exec(raw ?? "")?.[1];
      if (entry_type === "Notification: Run" && completion !== undefined) completed.add(`${id} ${completion}`);
    }
    return new Set(
      rows.flatMap(({ id, name, raw }) => {
        const key = /^leaf(?::\d+)? tool act (\S+)-act$/.exec(name ?? "")?.[1];
        const completion = /"completion_id":(\d+)/.exec(raw ?? "")?.[1] ?? "";
        return key !== undefined && completed.has(`${id} ${completion}`) ? [key] : [];
      }),
    );
  }

  /** Invocations that have not ended, whatever they wait for: asked of the Admin API. */
  async running(): Promise<string[]> {
    const rows = await this.restate.query<{ id: string; target: string; status: string }>(
      "SELECT id, target, status FROM sys_invocation WHERE status <> 'completed'",
    );
    return rows.map(({ target, status }) => `${target} ${status}`);
  }

  #event(run: string): void {
    const n = this.events(run) + 1;
    this.#events.set(run, n);
    this.onEvent(run, n);
  }
}
