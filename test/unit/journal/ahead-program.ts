/** Random programs of steps that run ahead, mixed with everything that they may not run past. */
import fc from "fast-check";
import { inFiber, type Place, requirePlace } from "../../../src/journal/ambient.ts";
import { jsonCodec } from "../../../src/journal/codec.ts";
import { restateContext } from "../../../src/journal/context.ts";
import { RestatePromise } from "../../../src/journal/restate-promise.ts";
import { runStep } from "../../../src/journal/step.ts";
import type { Window } from "../../../src/journal/run-ahead.ts";
import { CancelledError, type Serde, serde, TerminalError } from "../../../src/restate.ts";

const json = serde.json as Serde<unknown>;

/** One tool call of a model step. */
export type Tool = "look" | "act" | "context" | "broken";

/** What a strand does, one after another. */
export type Op =
  /** A model call; its answer decides the names of what follows. */
  | { readonly t: "ask" }
  /** The tools of one model step, side by side. */
  | { readonly t: "tools"; readonly tools: readonly Tool[] }
  /** Steps of the user's, and other things that the journal knows. */
  | { readonly t: "run" | "sleep" | "awakeable" | "call" | "get" | "set" }
  /** Starts something that is awaited at the end of the strand: it may complete at any time before. */
  | { readonly t: "start"; readonly what: "sleep" | "awakeable" | "get" }
  /** Real asynchronous work of a few turns. */
  | { readonly t: "turns"; readonly n: number }
  /** A run with a total timeout. */
  | { readonly t: "limited"; readonly ops: readonly Op[] }
  /** Agents side by side. */
  | { readonly t: "strands"; readonly strands: readonly (readonly Op[])[] };

/** A program: strands side by side. */
export type AheadProgram = readonly (readonly Op[])[];

const tools: fc.Arbitrary<Op> = fc.record({
  t: fc.constant("tools" as const),
  tools: fc.array(fc.constantFrom<Tool>("look", "look", "act", "context", "broken"), { minLength: 1, maxLength: 3 }),
});

const simple: fc.Arbitrary<Op> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ t: "ask" } as const) },
  { weight: 6, arbitrary: tools },
  {
    weight: 3,
    arbitrary: fc.record({ t: fc.constantFrom("run", "sleep", "awakeable", "call", "get", "set") }) as fc.Arbitrary<Op>,
  },
  {
    weight: 2,
    arbitrary: fc.record({
      t: fc.constant("start" as const),
      what: fc.constantFrom<"sleep" | "awakeable" | "get">("sleep", "awakeable", "get"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ t: fc.constant("turns" as const), n: fc.integer({ min: 1, max: 2 }) }) },
);

const strand = (op: fc.Arbitrary<Op>): fc.Arbitrary<readonly Op[]> => fc.array(op, { minLength: 1, maxLength: 6 });

const nested: fc.Arbitrary<Op> = fc.oneof(
  fc.record({
    t: fc.constant("strands" as const),
    strands: fc.array(strand(simple), { minLength: 1, maxLength: 2 }),
  }),
  fc.record({ t: fc.constant("limited" as const), ops: strand(simple) }),
);

/** Any program. */
export const aheadPrograms: fc.Arbitrary<AheadProgram> = fc.array(
  strand(fc.oneof({ weight: 7, arbitrary: simple }, { weight: 2, arbitrary: nested })),
  { minLength: 1, maxLength: 2 },
);

/** What a program tells of its run. */
export interface Watcher {
  readonly window: Window;
  /** A step's code begins. */
  begins(name: string, kind: Tool | "ask" | "run"): void;
  /** The handler goes on with a step's result. */
  uses(name: string): void;
}

/** Runs the program in the handler that is running. */
export async function executeAhead(program: AheadProgram, watcher: Watcher): Promise<string> {
  await runStrands(program, "p", watcher);
  return "done";
}

async function runStrands(strands: AheadProgram, path: string, watcher: Watcher): Promise<void> {
  const place = requirePlace("a program");
  await Promise.all(
    strands.map((ops, index) => inFiber(place, (own) => runStrand(ops, `${path}${index}`, own, watcher))),
  );
}

async function runStrand(ops: readonly Op[], path: string, place: Place, watcher: Watcher): Promise<void> {
  let answer = "";
  const started: RestatePromise<unknown>[] = [];
  for (const [index, op] of ops.entries()) {
    const at = `${path}.${index}${answer}`;
    if (op.t === "start") started.push(leaf(op.what));
    else if (op.t === "ask") answer = `/${await step(place, `ask ${at}`, "ask", watcher)}`;
    else await runOp(op, at, place, watcher);
  }
  // Whichever comes first decides what follows.
  while (started.length > 0) {
    const tagged = started.map((promise, index) => promise.map(() => index));
    const first = await RestatePromise.race(tagged);
    void started.splice(first, 1);
    await step(place, `after ${path}.${first}.${started.length}`, "look", watcher);
  }
  await gate(place);
}

function leaf(what: "sleep" | "awakeable" | "get"): RestatePromise<unknown> {
  const context = restateContext();
  if (what === "sleep") return context.sleep(1);
  if (what === "awakeable") return context.awakeable().promise;
  return (context as unknown as { get(name: string): RestatePromise<unknown> }).get("constant");
}

async function runOp(
  op: Exclude<Op, { t: "ask" | "start" }>,
  at: string,
  place: Place,
  watcher: Watcher,
): Promise<void> {
  const context = restateContext();
  switch (op.t) {
    case "tools": {
      const all = op.tools.map((tool, n) =>
        inFiber(place, (own) => runTool(tool, `${tool} ${at}:${n}`, own, watcher)).catch(toModel),
      );
      await Promise.all(all);
      return;
    }
    case "run":
      await context.run(`run ${at}`, () => watcher.begins(`run ${at}`, "run"));
      return watcher.uses(`run ${at}`);
    case "sleep":
    case "awakeable":
    case "get":
      return void (await leaf(op.t));
    case "call":
      return void (await context.genericCall({
        service: "Other",
        method: at,
        parameter: at,
        inputSerde: json,
        outputSerde: json,
      }));
    case "set":
      return (context as unknown as { set(name: string, value: string): void }).set("s", at);
    case "turns":
      for (let n = 0; n < op.n; n++) await new Promise((resolve) => setImmediate(resolve));
      return;
    case "strands":
      return runStrands(op.strands, at, watcher);
    case "limited":
      return inFiber(place, (own) => runLimited(op.ops, at, own, watcher));
  }
}

async function runLimited(ops: readonly Op[], at: string, place: Place, watcher: Watcher): Promise<void> {
  const { scheduler } = place.invocation;
  let late = false;
  const stop = scheduler.watch(scheduler.sleep(1), place.fiber, () => {
    late = true;
    scheduler.interrupt(place.fiber, new CancelledError());
  });
  try {
    await runStrand(ops, at, place, watcher);
  } catch (error) {
    if (!late) throw error;
  } finally {
    stop();
  }
}

async function runTool(tool: Tool, name: string, place: Place, watcher: Watcher): Promise<void> {
  if (tool !== "look") await gate(place);
  if (tool !== "context") return void (await step(place, name, tool, watcher));
  await restateContext().run(`${name} a`, () => watcher.begins(`${name} a`, "run"));
  watcher.uses(`${name} a`);
  await step(place, `${name} b`, "ask", watcher);
}

/** An answer that differs each time it is asked for, as a model's does. */
async function step(place: Place, name: string, kind: Tool | "ask", watcher: Watcher): Promise<string> {
  const action = async (): Promise<string> => {
    watcher.begins(name, kind);
    await Promise.resolve();
    if (kind === "broken") throw new TerminalError("broken");
    return String(Math.floor(Math.random() * 1e6));
  };
  try {
    const answer = (await runStep(place, name, action, jsonCodec, { window: watcher.window })) as string;
    watcher.uses(name);
    return answer;
  } catch (error) {
    // What was interrupted has no result that anything could follow from.
    if (!(error instanceof CancelledError)) watcher.uses(name);
    throw error;
  }
}

function gate(place: Place): Promise<void> {
  return place.invocation.scheduler.gate(place.fiber);
}

/** What a tool throws goes to the model, unless it is the cancellation. */
function toModel(error: unknown): void {
  if (!(error instanceof TerminalError) || error.name === "CancelledError") throw error;
}
