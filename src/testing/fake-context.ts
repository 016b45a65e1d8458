/** The fake of the Restate SDK's context: what handlers are given under `runFake`. */
import { DRIVER } from "../journal/driver.ts";
import type { Entry } from "../journal/driver.ts";
import {
  RestateError,
  type RunOptions,
  type Serde,
  serde as serdes,
  TerminalError,
  type WorkflowContext,
} from "../restate.ts";
import type { FakeAttempt } from "./fake-attempt.ts";
import type { FakeOutcome } from "./fake-journal.ts";

/** What a fake context knows about its invocation. */
export interface FakeInvocation {
  readonly key: string;
  readonly seed: number;
  /** State of the virtual object, shared by all attempts; kept as bytes. */
  readonly state: Map<string, Uint8Array>;
  /** Answers of called services: `<service>/<handler>` → the answer. */
  readonly calls: (target: string, input: unknown) => unknown;
  /** What awakeables and signals are resolved with. */
  readonly signals: (name: string) => unknown;
}

/** A promise of the fake, with the SDK's restriction: await one at a time. */
class FakePromise {
  readonly handle: number;
  readonly #attempt: FakeAttempt;

  constructor(attempt: FakeAttempt, handle: number) {
    this.#attempt = attempt;
    this.handle = handle;
  }

  // oxlint-disable-next-line unicorn/no-thenable -- it stands for the SDK's thenable
  then<A, B>(
    onFulfilled?: ((value: unknown) => A) | null,
    onRejected?: ((error: unknown) => B) | null,
  ): Promise<A | B> {
    const settled = this.#attempt.next([this as unknown as Entry]).then((completion) => {
      if (!completion.ok) throw completion.error;
      return completion.value;
    });
    return settled.then<A, B>(onFulfilled, onRejected);
  }

  map(): never {
    throw new Error("The fake's promises are mapped by the scheduler: use the context that the handler was given");
  }

  orTimeout(): never {
    return this.map();
  }
}

const json: Serde<unknown> = serdes.json as Serde<unknown>;

/** Makes the context of one attempt. It covers what agents and tools use; anything else is undefined. */
export function fakeContext(attempt: FakeAttempt, invocation: FakeInvocation): WorkflowContext {
  const issue = (kind: string, name: string, part: Parameters<FakeAttempt["issue"]>[2]): FakePromise =>
    new FakePromise(attempt, attempt.issue(kind, name, part));
  const answered = (kind: string, name: string, answer: () => unknown, serde: Serde<unknown> = json): FakePromise =>
    issue(kind, name, {
      complete: () => ({ ok: true, bytes: serde.serialize(answer()) }),
      decode: (bytes) => (bytes.length === 0 ? undefined : serde.deserialize(bytes)),
    });
  let awakeables = 0;
  const run = (name: string, action: () => unknown, options: RunOptions<unknown> = {}): FakePromise => {
    const serde = options.serde ?? json;
    return issue("run", name, {
      run: () => outcomeOf(action, serde),
      decode: (bytes) => (bytes.length === 0 && serde === json ? undefined : serde.deserialize(bytes)),
    });
  };
  const { state } = invocation;
  const context = {
    [DRIVER]: attempt,
    run,
    sleep: () => answered("sleep", "", () => undefined),
    awakeable: () => {
      awakeables += 1;
      const id = `awakeable-${awakeables}`;
      return { id, promise: answered("awakeable", id, () => invocation.signals(id)) };
    },
    signal: (name: string) => answered("signal", name, () => invocation.signals(name)),
    genericCall: ({ service, method, parameter }: { service: string; method: string; parameter: unknown }) =>
      answered("call", `${service}/${method}`, () => invocation.calls(`${service}/${method}`, parameter)),
    serviceClient: ({ name }: { name: string }) => client(name, answered, invocation),
    objectClient: ({ name }: { name: string }) => client(name, answered, invocation),
    workflowClient: ({ name }: { name: string }) => client(name, answered, invocation),
    get: (name: string, serde: Serde<unknown> = json) =>
      answered("get", name, () => {
        const bytes = state.get(name);
        return bytes === undefined ? null : serde.deserialize(bytes);
      }),
    set: (name: string, value: unknown, serde: Serde<unknown> = json) => {
      attempt.issue("set", name, {});
      state.set(name, serde.serialize(value));
    },
    clear: (name: string) => {
      attempt.issue("clear", name, {});
      state.delete(name);
    },
    date: { now: () => run("date", () => 0), toJSON: () => run("date", () => new Date(0).toJSON()) },
    rand: seededRandom(invocation.seed),
    console: silentConsole,
    key: invocation.key,
    request: () => ({
      attemptCompletedSignal: attempt.completedSignal,
      headers: new Map(),
      attemptHeaders: new Map(),
      id: "fake",
    }),
  };
  return context as unknown as WorkflowContext;
}

const silentConsole = { debug() {}, error() {}, info() {}, log() {}, trace() {}, warn() {} };

function client(
  name: string,
  answered: (kind: string, what: string, answer: () => unknown) => FakePromise,
  invocation: FakeInvocation,
): object {
  return new Proxy(
    {},
    {
      get: (_, handler) => (input: unknown) =>
        answered("call", `${name}/${String(handler)}`, () => invocation.calls(`${name}/${String(handler)}`, input)),
    },
  );
}

/** Terminal failures are results; any other failure ends the attempt, which is then retried. */
async function outcomeOf(action: () => unknown, serde: Serde<unknown>): Promise<FakeOutcome> {
  try {
    const value = await action();
    return { ok: true, bytes: value === undefined && serde === json ? new Uint8Array() : serde.serialize(value) };
  } catch (error) {
    if (error instanceof TerminalError) return { ok: false, error };
    throw error instanceof RestateError || error instanceof Error ? error : new Error(String(error));
  }
}

/** The same numbers in every attempt, as the SDK's `ctx.rand`. */
function seededRandom(seed: number): { random(): number; uuidv4(): string } {
  let state = seed >>> 0;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
  const hex = (digits: number): string =>
    Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join("");
  return { random, uuidv4: () => `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}` };
}
