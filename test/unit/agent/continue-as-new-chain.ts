/** Runs an agent service on the fake, segment after segment, as Restate would. */
import { type Context, type ServiceDefinition, TerminalError } from "../../../src/restate.ts";
import { FakeJournal, type FakeOptions, type FakeResult, runFake } from "../../../src/testing/in-memory.ts";

type Handler = (context: Context, input: unknown) => Promise<unknown>;

/** One invocation of the chain. */
export interface ChainLink {
  readonly handler: string;
  /** What the handler was called with: the bytes of a continuation, or the caller's input. */
  readonly input: unknown;
  readonly result: FakeResult<unknown>;
}

/** The options of the `n`-th link, beginning with 0. `killAt`: it is killed when its journal has so many events. */
export type LinkOptions = (n: number) => Omit<FakeOptions, "calls"> & { readonly killAt?: number };

/** As Restate tells who called it. */
const KILLED: FakeResult<unknown> = {
  outcome: { ok: false, error: new TerminalError("killed", { errorCode: 409 }) },
  journal: new FakeJournal(),
  attempts: 1,
  executions: new Map(),
  state: new Map(),
  logs: [],
};

const NO_OPTIONS: LinkOptions = () => ({});

/** A handler of a service definition. */
export function handlerOf(definition: ServiceDefinition<string, unknown>, name: string): Handler {
  const { service } = definition as unknown as { readonly service: Readonly<Record<string, Handler>> };
  const handler = service[name];
  if (handler === undefined) throw new Error(`The service has no handler "${name}"`);
  return handler;
}

/**
 * Runs the chain to its end. Each link runs until it has made its call; when the ones after it have ended, it is
 * replayed with their answer. The first link's outcome is the caller's.
 */
export async function runChain(
  definition: ServiceDefinition<string, unknown>,
  input: unknown,
  options: LinkOptions = NO_OPTIONS,
): Promise<ChainLink[]> {
  return runLink(definition, { handler: "run", input, n: 0 }, options);
}

async function runLink(
  definition: ServiceDefinition<string, unknown>,
  { handler, input, n }: { readonly handler: string; readonly input: unknown; readonly n: number },
  options: LinkOptions,
): Promise<ChainLink[]> {
  if (n > 100) throw new Error("The chain has not ended after 100 links");
  const called: unknown[] = [];
  const { killAt, ...own } = options(n);
  const kill = killAt === undefined ? {} : { crashAt: [killAt], maxAttempts: 1 };
  const run = (answer: () => unknown, journal?: FakeJournal): Promise<FakeResult<unknown>> =>
    runFake((context) => handlerOf(definition, handler)(inLink(context, input, n), input), {
      ...own,
      ...kill,
      ...(journal === undefined ? {} : { journal }),
      calls: (target, parameter) => {
        called.push([target, parameter]);
        return answer();
      },
    });
  const ends = (): Promise<FakeResult<unknown>> => run(() => "not answered yet");
  const first = await (killAt === undefined ? ends() : ends().catch(() => KILLED));
  if (called.length === 0) return [{ handler, input, result: first }];
  const [target, parameter] = called[0] as [string, unknown];
  const [service, next = ""] = target.split("/");
  if (service !== definition.name) throw new Error(`The service called ${target}`);
  const bytes = new TextEncoder().encode(JSON.stringify(parameter));
  // Restate cancels what a cancelled invocation has called.
  const isCancelled = first.journal.commands.some((command) => command.startsWith("cancel "));
  const laterOptions: LinkOptions = isCancelled ? (m) => ({ ...options(m), cancelAt: 1 }) : options;
  const later = await runLink(definition, { handler: next, input: bytes, n: n + 1 }, laterOptions);
  const outcome = later[0]?.result.outcome;
  // The last answer, which may stand before a cancellation.
  const answered = first.journal.events.findLastIndex((event) => event.type === "completion" && event.command >= 0);
  const waiting = first.journal.prefix(answered);
  const resumed = await run(() => {
    if (outcome?.ok === true) return outcome.value;
    throw outcome?.error instanceof Error ? outcome.error : new Error("The call has no outcome");
  }, waiting);
  const result = { ...resumed, executions: new Map([...first.executions, ...resumed.executions]) };
  if (new Set(called.map((call) => JSON.stringify(call))).size > 1) throw new Error("A replay makes another call");
  return [{ handler, input, result }, ...later];
}

/** The context knows the size of its input, the `n`-th link runs in the `n`-th second, and is an invocation of its own. */
function inLink(context: Context, input: unknown, n: number): Context {
  const body = input instanceof Uint8Array ? input : new TextEncoder().encode(JSON.stringify(input));
  return Object.assign(Object.create(context) as Context, {
    request: () => ({ ...context.request(), body, id: `inv_${n + 1}` }),
    date: { now: () => context.run("date", () => n * 1_000) },
  });
}
