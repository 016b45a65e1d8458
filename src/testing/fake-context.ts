/** The fake of the Restate SDK's context: what handlers are given under `runFake`. */
import { DRIVER } from "../journal/driver.ts";
import {
  type Duration,
  type GenericCall,
  type GenericSend,
  type RunOptions,
  type Serde,
  serde as serdes,
  TerminalError,
  type WorkflowContext,
} from "../restate.ts";
import type { FakeAttempt } from "./fake-attempt.ts";
import { fakeConsole, fakeRandom } from "./fake-plain.ts";
import type { FakeOutcome } from "./fake-journal.ts";
import type { FakePromise } from "./fake-promise.ts";

/** An answer that never comes: return it from `calls` or `signals`, for instance to see a timeout. */
export const FAKE_PENDING: unique symbol = Symbol("a pending answer") as never;

/** What a fake context knows about its invocation. */
export interface FakeInvocation {
  readonly key: string;
  readonly seed: number;
  /** Headers that the invocation was sent with. */
  readonly headers: ReadonlyMap<string, string>;
  /** State of the virtual object before the invocation, as JSON bytes. */
  readonly state: ReadonlyMap<string, Uint8Array>;
  /** Answers of called services: `<service>/<handler>` → the answer. Throw a `TerminalError` to make the call fail. */
  readonly calls: (target: string, input: unknown) => unknown;
  /** What awakeables, signals and durable promises are resolved with, by their id or name. */
  readonly signals: (name: string) => unknown;
  /** How often each step was executed, by name. */
  readonly executions: Map<string, number>;
  /** How often each step has failed and may be retried, by command. */
  readonly failures: Map<string, number>;
  /** What the handler itself resolved: awakeables and durable promises. */
  readonly resolved: Map<string, FakeOutcome>;
  /** What the handler wrote to its console. */
  readonly logs: string[];
}

const json: Serde<unknown> = serdes.json as Serde<unknown>;
const NONE = new Uint8Array();

type Answer = () => unknown;

/** Makes the context of one attempt; `state` is its own copy of the object's state. */
export function fakeContext(
  attempt: FakeAttempt,
  invocation: FakeInvocation,
  state: Map<string, Uint8Array>,
): WorkflowContext {
  const context = {
    [DRIVER]: attempt,
    ...stepMethods(attempt, invocation),
    ...signalMethods(attempt, invocation),
    ...callMethods(attempt, invocation),
    ...stateMethods(attempt, state),
    promise: (name: string, serde = json) => durablePromise(attempt, invocation, name, serde),
    rand: fakeRandom(invocation.seed),
    console: fakeConsole(invocation.logs),
    key: invocation.key,
    isProcessing: () => attempt.isProcessing,
    request: () => ({
      id: "inv_fake",
      target: { service: "Fake", handler: "run", key: invocation.key },
      headers: invocation.headers,
      attemptHeaders: new Map(),
      body: NONE,
      extraArgs: [],
      attemptCompletedSignal: attempt.completedSignal,
    }),
  };
  return context as unknown as WorkflowContext;
}

function stepMethods(attempt: FakeAttempt, invocation: FakeInvocation): object {
  const run = (first: unknown, second?: unknown, options: RunOptions<unknown> = {}): FakePromise => {
    const name = typeof first === "string" ? first : "";
    const action = (typeof first === "function" ? first : second) as Answer;
    const serde = options.serde ?? json;
    const step = (): Promise<FakeOutcome> => {
      invocation.executions.set(name, (invocation.executions.get(name) ?? 0) + 1);
      return stepOutcome(action, serde, () => bounded(invocation.failures, name, options));
    };
    return attempt.issue("run", name, { run: step, decode: decoder(serde) });
  };
  return {
    run,
    sleep: (duration: number | Duration, name?: string) => attempt.sleep(duration, name),
    date: {
      now: () => run("date", () => attempt.nowMs),
      toJSON: () => run("date", () => new Date(attempt.nowMs).toJSON()),
    },
  };
}

function signalMethods(attempt: FakeAttempt, invocation: FakeInvocation): object {
  let awakeables = 0;
  const awaited = (kind: string, name: string, serde = json): FakePromise =>
    answered(attempt, kind, name, () => resolution(invocation, name), serde);
  const resolve = (id: string, outcome: FakeOutcome): void => {
    void attempt.issue("complete-awakeable", id, {});
    invocation.resolved.set(id, outcome);
  };
  return {
    awakeable: (serde?: Serde<unknown>) => {
      awakeables += 1;
      const id = `awakeable-${awakeables}`;
      return { id, promise: awaited("awakeable", id, serde) };
    },
    signal: (name: string, serde?: Serde<unknown>) => awaited("signal", name, serde),
    resolveAwakeable: (id: string, value?: unknown, serde = json) =>
      resolve(id, { ok: true, bytes: encode(value, serde) }),
    rejectAwakeable: (id: string, reason: string | TerminalError) =>
      resolve(id, { ok: false, error: typeof reason === "string" ? new TerminalError(reason) : reason }),
  };
}

function callMethods(attempt: FakeAttempt, invocation: FakeInvocation): object {
  const genericCall = (call: GenericCall<unknown, unknown>): object => {
    const target = targetOf(call);
    const input = (call.inputSerde ?? serdes.binary).serialize(call.parameter);
    const decoded = (call.inputSerde === undefined ? serdes.binary : json).deserialize(input);
    const answer = (): unknown => invocation.calls(target, decoded);
    const serde: Serde<unknown> = call.outputSerde ?? serdes.binary;
    return Object.assign(answered(attempt, "call", target, answer, serde), {
      invocationId: attempt.known(`inv_${target}`),
    });
  };
  const genericSend = (send: GenericSend<unknown>): object => {
    void attempt.issue("send", targetOf(send), {});
    return { invocationId: attempt.known(`inv_${targetOf(send)}`) };
  };
  const client = ({ name }: { name: string }, key?: string): object => proxyOf(genericCall, name, key);
  const sendClient = ({ name }: { name: string }, key?: string): object => proxyOf(genericSend, name, key);
  const attach = (id: string, serde = json): FakePromise =>
    answered(attempt, "attach", id, () => invocation.calls(id, undefined), serde);
  const cancel = (id: string): void => void attempt.issue("cancel", id, {});
  return {
    genericCall,
    genericSend,
    ...Object.fromEntries(["serviceClient", "objectClient", "workflowClient", "client"].map((name) => [name, client])),
    ...Object.fromEntries(
      ["serviceSendClient", "objectSendClient", "workflowSendClient", "sendClient"].map((name) => [name, sendClient]),
    ),
    attach,
    cancel,
    invocation: (id: string) => ({ attach: (serde?: Serde<unknown>) => attach(id, serde), cancel: () => cancel(id) }),
  };
}

function stateMethods(attempt: FakeAttempt, state: Map<string, Uint8Array>): object {
  return {
    // As with Restate, what is read is the state at this place of the journal.
    get: (name: string, serde = json) => {
      const bytes = state.get(name) ?? NONE;
      const decode = (read: Uint8Array): unknown => (read.length === 0 ? null : serde.deserialize(read));
      return attempt.issue("get", name, { complete: () => ({ ok: true, bytes }), decode });
    },
    stateKeys: () => {
      const keys = [...state.keys()];
      return answered(attempt, "state-keys", "", () => keys);
    },
    set: (name: string, value: unknown, serde = json) => {
      void attempt.issue("set", name, {});
      state.set(name, serde.serialize(value));
    },
    clear: (name: string) => {
      void attempt.issue("clear", name, {});
      state.delete(name);
    },
    clearAll: () => {
      void attempt.issue("clear-all", "", {});
      state.clear();
    },
  };
}

/** `ctx.promise(name)`: a thenable that means its `get()`. */
function durablePromise(attempt: FakeAttempt, invocation: FakeInvocation, name: string, serde: Serde<unknown>): object {
  const get = (): FakePromise => answered(attempt, "promise", name, () => resolution(invocation, name), serde);
  const complete = (outcome: FakeOutcome): FakePromise => {
    if (!invocation.resolved.has(name)) invocation.resolved.set(name, outcome);
    return answered(attempt, "complete-promise", name, () => undefined);
  };
  return {
    get,
    // oxlint-disable-next-line unicorn/no-thenable -- it stands for a thenable of the SDK
    then: (...handlers: Parameters<FakePromise["then"]>) => get().then(...handlers),
    catch: (...handlers: Parameters<FakePromise["catch"]>) => get().catch(...handlers),
    finally: (...handlers: Parameters<FakePromise["finally"]>) => get().finally(...handlers),
    peek: () => answered(attempt, "peek-promise", name, () => invocation.resolved.get(name), serde),
    resolve: (value: unknown) => complete({ ok: true, bytes: encode(value, serde) }),
    reject: (reason: string) => complete({ ok: false, error: new TerminalError(reason) }),
  };
}

/** A command that something outside answers. */
function answered(attempt: FakeAttempt, kind: string, name: string, answer: Answer, serde = json): FakePromise {
  return attempt.issue(kind, name, { complete: () => outcomeOf(answer, serde), decode: decoder(serde) });
}

function resolution({ resolved, signals }: FakeInvocation, name: string): unknown {
  return resolved.get(name) ?? signals(name);
}

function outcomeOf(answer: Answer, serde: Serde<unknown>): FakeOutcome | undefined {
  try {
    const value = answer();
    if (value === FAKE_PENDING) return undefined;
    return isOutcome(value) ? value : { ok: true, bytes: encode(value, serde) };
  } catch (error) {
    if (error instanceof TerminalError) return { ok: false, error };
    throw error;
  }
}

function isOutcome(value: unknown): value is FakeOutcome {
  return typeof value === "object" && value !== null && "ok" in value && ("bytes" in value || "error" in value);
}

/** Terminal failures are results; any other failure ends the attempt, which is then retried. */
async function stepOutcome(action: Answer, serde: Serde<unknown>, mayRetry: () => boolean): Promise<FakeOutcome> {
  try {
    return { ok: true, bytes: encode(await action(), serde) };
  } catch (error) {
    if (error instanceof TerminalError) return { ok: false, error };
    if (mayRetry()) throw error;
    return { ok: false, error: new TerminalError(error instanceof Error ? error.message : String(error)) };
  }
}

/** True while a step that failed has retries left, by its `maxRetryAttempts`: a 32-bit number, as Restate has it. */
function bounded(failures: Map<string, number>, name: string, { maxRetryAttempts }: RunOptions<unknown>): boolean {
  const count = (failures.get(name) ?? 0) + 1;
  failures.set(name, count);
  return maxRetryAttempts === undefined || count < maxRetryAttempts >>> 0;
}

function encode(value: unknown, serde: Serde<unknown>): Uint8Array {
  return value === undefined && serde === json ? NONE : serde.serialize(value);
}

function decoder(serde: Serde<unknown>): (bytes: Uint8Array) => unknown {
  return (bytes) => (bytes.length === 0 && serde === json ? undefined : serde.deserialize(bytes));
}

function targetOf({ service, method, key }: { service: string; method: string; key?: string }): string {
  return [service, ...(key === undefined ? [] : [key]), method].join("/");
}

function proxyOf(call: (call: GenericCall<unknown, unknown>) => object, service: string, key?: string): object {
  const get = (_: object, method: string | symbol) => (parameter: unknown) =>
    call({
      service,
      method: String(method),
      parameter,
      inputSerde: json,
      outputSerde: json,
      ...(key === undefined ? {} : { key }),
    });
  return new Proxy({}, { get });
}
