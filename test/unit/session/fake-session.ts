/** A session on the fake of Restate. Its ingress is a real HTTP server, which runs the handlers that are called there. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { COMPANIONS, type Companion } from "../../../src/journal/companions.ts";
import type { Context } from "../../../src/restate.ts";
import { headSerde, newHead } from "../../../src/session/session-head.ts";
import type { HistoryAnswer, SessionAnswer, SessionStatus } from "../../../src/session/session-types.ts";
import { turnCache } from "../../../src/session/turn/turn-cache.ts";
import { type FakeOptions, type FakeResult, runFake } from "../../../src/testing/in-memory.ts";

type Handler = (context: Context, input: unknown) => Promise<unknown>;
type State = ReadonlyMap<string, Uint8Array>;

/** Options of one invocation. */
export type RunOptions = Omit<FakeOptions, "key" | "state">;

/** A call that came through the ingress. */
export interface IngressCall {
  readonly target: string;
  readonly input: unknown;
}

/** See the head of this file. */
export class FakeSession {
  readonly key = "c1";
  /** Calls that came through the ingress, in order. */
  readonly calls: IngressCall[] = [];
  /** Answers a call instead of the handler: a status. */
  refuse: (target: string) => number | undefined = () => undefined;
  readonly #definitions: ReadonlyMap<string, Companion>;
  readonly #name: string;
  #seed = 0;
  readonly #states = new Map<string, State>();
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  constructor(definition: Companion & { readonly [COMPANIONS]: readonly Companion[] }) {
    this.#name = definition.name;
    this.#definitions = new Map([definition, ...definition[COMPANIONS]].map((one) => [one.name, one]));
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => void this.#server.listen(0, "127.0.0.1", resolve));
    const { port } = this.#server.address() as AddressInfo;
    process.env["RESTATE_INGRESS_URL"] = `http://127.0.0.1:${port}`;
    turnCache.clear();
  }

  async stop(): Promise<void> {
    delete process.env["RESTATE_INGRESS_URL"];
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Runs a handler of the session to its end. */
  async run(handler: string, input?: unknown, options: RunOptions = {}): Promise<FakeResult<unknown>> {
    return this.#run(this.#name, this.key, handler, input, options);
  }

  /** Runs a handler of one of the session's companions, under the session's key. */
  async runOn(companion: string, handler: string, input: unknown): Promise<FakeResult<unknown>> {
    return this.#run(companion, this.key, handler, input, {});
  }

  async send(input: unknown, options: RunOptions = {}): Promise<SessionAnswer> {
    return valueOf(await this.run("send", input, options)) as SessionAnswer;
  }

  async history(input?: unknown): Promise<HistoryAnswer> {
    return valueOf(await this.run("history", input)) as HistoryAnswer;
  }

  async status(): Promise<SessionStatus> {
    return valueOf(await this.run("status")) as SessionStatus;
  }

  /** The session's state. */
  get state(): State {
    return this.#states.get(`${this.#name}/${this.key}`) ?? new Map();
  }

  /** Puts the session's state back. */
  set state(state: State) {
    this.#states.set(`${this.#name}/${this.key}`, state);
  }

  /** Forgets the session's state, as somebody who edits it by hand. */
  forgets(): void {
    this.#states.delete(`${this.#name}/${this.key}`);
  }

  async #run(service: string, key: string, handler: string, input: unknown, options: RunOptions) {
    const { object } = this.#definitions.get(service) as unknown as { readonly object: Record<string, Handler> };
    const own = object[handler];
    if (own === undefined) throw new Error(`${service} has no handler "${handler}"`);
    const place = `${service}/${key}`;
    const state = this.#states.get(place) ?? new Map<string, Uint8Array>();
    this.#seed += 1;
    const result = await runFake((context) => own(context, input), { seed: this.#seed, ...options, key, state });
    this.#states.set(place, result.state);
    return result;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk as Uint8Array);
    const text = Buffer.concat(chunks).toString();
    const [service = "", key = "", handler = ""] = (request.url ?? "")
      .replace("/restate/call/", "")
      .split("/")
      .map(decodeURIComponent);
    const input: unknown = text === "" ? undefined : JSON.parse(text);
    const target = `${service}/${key}/${handler}`;
    this.calls.push({ target, input });
    const status = this.refuse(target);
    if (status !== undefined) {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ message: "refused" }));
      return;
    }
    const definition = this.#definitions.get(service);
    if (definition === undefined) {
      response.writeHead(404, { "content-type": "application/json" }).end(JSON.stringify({ message: "not found" }));
      return;
    }
    const value = valueOf(await this.#run(service, key, handler, input, {}));
    response.writeHead(200, { "x-restate-id": "inv_call", "content-type": "application/json" });
    response.end(JSON.stringify(value));
  }
}

/** What an invocation answered; what it failed with is thrown. */
export function valueOf({ outcome }: FakeResult<unknown>): unknown {
  if (outcome.ok) return outcome.value;
  throw outcome.error;
}

/** The state of a session in whose first turn, m1, nothing has been said: it runs, or was killed. */
export function runningState(epoch: string): FakeSession["state"] {
  const running = {
    turn: "m1",
    slot: 0,
    invocationId: "inv_1",
    startedAt: "2026-01-01T00:00:00.000Z",
    message: { id: "m1", role: "user" as const, parts: [{ type: "text" as const, text: "One" }] },
  };
  return new Map([["head", headSerde.serialize({ ...newHead(epoch), running })]]);
}
