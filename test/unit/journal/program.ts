/** Random programs over the context: what handlers and tools might do, in any mix and nesting. */
import fc from "fast-check";
import { inFiber, requirePlace } from "../../../src/journal/ambient.ts";
import { restateContext } from "../../../src/journal/context.ts";
import { RestatePromise } from "../../../src/journal/restate-promise.ts";
import { type Serde, serde, TerminalError } from "../../../src/restate.ts";

const json = serde.json as Serde<unknown>;

/** One thing that the journal knows. */
export type Leaf =
  | { readonly t: "run"; readonly fails: boolean }
  | { readonly t: "sleep" }
  | { readonly t: "awakeable" }
  | { readonly t: "call" }
  | { readonly t: "get" };

/** The combinators of `RestatePromise`. */
export type How = "all" | "allSettled" | "any" | "race";

export type Program =
  | Leaf
  | { readonly t: "combine"; readonly how: How; readonly leaves: readonly Leaf[] }
  | { readonly t: "nested"; readonly outer: How; readonly inner: How; readonly leaves: readonly Leaf[] }
  | { readonly t: "early"; readonly how: How; readonly leaves: readonly Leaf[]; readonly meanwhile: Leaf }
  | { readonly t: "timeout"; readonly leaf: Leaf }
  | { readonly t: "map"; readonly leaf: Leaf }
  | { readonly t: "set" }
  | { readonly t: "ticks"; readonly micro: number }
  | { readonly t: "turns"; readonly macro: number }
  | { readonly t: "foreign"; readonly ms: number }
  | { readonly t: "throw" }
  | { readonly t: "seq"; readonly parts: readonly Program[] }
  | { readonly t: "tools"; readonly parts: readonly Program[] }
  | { readonly t: "together"; readonly parts: readonly Program[] }
  | { readonly t: "promiseAll"; readonly leaves: readonly Leaf[] }
  | { readonly t: "promiseRace"; readonly leaves: readonly Leaf[] };

const leaf: fc.Arbitrary<Leaf> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ t: fc.constant("run" as const), fails: fc.boolean() }) },
  { weight: 2, arbitrary: fc.constant({ t: "sleep" } as const) },
  { weight: 1, arbitrary: fc.constant({ t: "awakeable" } as const) },
  { weight: 1, arbitrary: fc.constant({ t: "call" } as const) },
  { weight: 1, arbitrary: fc.constant({ t: "get" } as const) },
);
const how: fc.Arbitrary<How> = fc.constantFrom("all", "allSettled", "any", "race");
const leaves = fc.array(leaf, { minLength: 1, maxLength: 4 });

/** What may run beside others in one fiber: nothing that takes turns, because nobody could tell whose they are. */
const quiet: fc.Arbitrary<Program> = fc.oneof(
  leaf,
  fc.record({ t: fc.constant("combine" as const), how, leaves }),
  fc.record({ t: fc.constant("timeout" as const), leaf }),
  fc.constant({ t: "set" } as const),
  fc.record({ t: fc.constant("ticks" as const), micro: fc.integer({ min: 0, max: 5 }) }),
);

const seq = (parts: readonly Program[]): Program => ({ t: "seq", parts });

/** Any program. Some of its fibers may take turns of the event loop that the journal does not know. */
export const programs: fc.Arbitrary<Program> = programsWith(
  fc.record({ t: fc.constant("turns" as const), macro: fc.integer({ min: 1, max: 3 }) }),
);

/** Any program, beside a fiber whose foreign work takes random real time between its steps. */
export const programsBesideForeignWork: fc.Arbitrary<Program> = fc
  .tuple(
    fc.array(fc.oneof(leaf, fc.record({ t: fc.constant("foreign" as const), ms: fc.integer({ min: 0, max: 3 }) })), {
      minLength: 2,
      maxLength: 6,
    }),
    programsWith(fc.constant({ t: "set" } as const)),
  )
  .map(([parts, beside]): Program => ({ t: "tools", parts: [{ t: "seq", parts }, beside] }));

function programsWith(waiting: fc.Arbitrary<Program>): fc.Arbitrary<Program> {
  const { program } = fc.letrec<{ program: Program }>((tie) => ({
    program: fc.oneof(
      { maxDepth: 3, depthSize: "medium", withCrossShrink: true },
      leaf,
      fc.record({ t: fc.constant("combine" as const), how, leaves }),
      fc.record({ t: fc.constant("nested" as const), outer: how, inner: how, leaves }),
      fc.record({ t: fc.constant("early" as const), how, leaves, meanwhile: leaf }),
      fc.record({ t: fc.constant("timeout" as const), leaf }),
      fc.record({ t: fc.constant("map" as const), leaf }),
      fc.constant({ t: "set" } as const),
      fc.record({ t: fc.constant("ticks" as const), micro: fc.integer({ min: 0, max: 5 }) }),
      waiting,
      fc.constant({ t: "throw" } as const),
      fc.record({ t: fc.constant("promiseAll" as const), leaves }),
      fc.record({ t: fc.constant("promiseRace" as const), leaves }),
      fc.record({ t: fc.constant("seq" as const), parts: fc.array(tie("program"), { minLength: 1, maxLength: 4 }) }),
      fc.record({ t: fc.constant("tools" as const), parts: fc.array(tie("program"), { minLength: 2, maxLength: 4 }) }),
      fc.record({
        t: fc.constant("together" as const),
        parts: fc.array(fc.array(quiet, { minLength: 1, maxLength: 3 }).map(seq), { minLength: 2, maxLength: 3 }),
      }),
    ),
  }));
  // An agent's run: steps one after another, each with its tools side by side.
  const sequence = fc.record({
    t: fc.constant("seq" as const),
    parts: fc.array(program, { minLength: 1, maxLength: 4 }),
  });
  return fc.record({ t: fc.constant("tools" as const), parts: fc.array(sequence, { minLength: 1, maxLength: 4 }) });
}

/** Told of every execution of a step, by its name. */
export type OnStep = (name: string) => void;

/** Runs a program in the handler that is running; what it results in. */
export async function execute(program: Program, path: string, onStep: OnStep): Promise<unknown> {
  switch (program.t) {
    case "run":
    case "sleep":
    case "awakeable":
    case "call":
    case "get":
      return settle(start(program, path, onStep));
    case "combine":
      return settle(RestatePromise[program.how](all(program.leaves, path, onStep)) as Promise<unknown>);
    case "early": {
      // Started first and awaited later: several may have completed by then.
      const started = all(program.leaves, path, onStep);
      const meanwhile = await settle(start(program.meanwhile, `${path}~`, onStep));
      return [meanwhile, await settle(RestatePromise[program.how](started) as Promise<unknown>)];
    }
    case "nested": {
      const [first, ...rest] = all(program.leaves, path, onStep);
      const inner = RestatePromise[program.inner](rest) as RestatePromise<unknown>;
      const parts = first === undefined ? [inner.orTimeout(1)] : [first, inner.orTimeout(1)];
      return settle(RestatePromise[program.outer](parts) as Promise<unknown>);
    }
    case "timeout":
      return settle(start(program.leaf, path, onStep).orTimeout(1));
    case "map":
      return settle(
        start(program.leaf, path, onStep).map((value, failure) => `mapped ${String(value)} ${failure?.message}`),
      );
    case "promiseAll":
      return settle(Promise.all(all(program.leaves, path, onStep)));
    case "promiseRace":
      return settle(Promise.race(all(program.leaves, path, onStep)));
    case "set":
      (restateContext() as unknown as { set(name: string, value: string): void }).set("s", path);
      return path;
    case "throw":
      throw new TerminalError(`thrown at ${path}`);
    case "ticks":
      for (let n = 0; n < program.micro; n++) await Promise.resolve();
      return "ticks";
    case "turns":
      for (let n = 0; n < program.macro; n++) await new Promise((resolve) => setImmediate(resolve));
      return "turns";
    case "foreign":
      // Real time decides how long this takes, and it differs from attempt to attempt.
      await new Promise((resolve) => setTimeout(resolve, program.ms * Math.random()));
      return "foreign";
    case "seq": {
      const results: unknown[] = [];
      for (const [index, part] of program.parts.entries())
        results.push(await execute(part, `${path}.${index}`, onStep));
      return results;
    }
    case "together":
      // As a handler that was written by hand: several strands in one fiber, which the scheduler cannot tell apart.
      return Promise.all(program.parts.map((part, index) => settle(execute(part, `${path}+${index}`, onStep))));
    case "tools": {
      // As the AI SDK runs the tools of one step: side by side, each failure caught.
      const place = requirePlace("a program");
      const tool = (part: Program, index: number): Promise<unknown> =>
        settle(inFiber(place, () => execute(part, `${path}/${index}`, onStep)));
      return Promise.all(program.parts.map(tool));
    }
  }
}

async function settle(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof AggregateError) return `none of ${error.errors.length}`;
    if (!(error instanceof TerminalError)) throw error;
    return `failed: ${error.name} ${error.message}`;
  }
}

function all(leaves: readonly Leaf[], path: string, onStep: OnStep): RestatePromise<unknown>[] {
  return leaves.map((one, index) => start(one, `${path}:${index}`, onStep));
}

function start(one: Leaf, path: string, onStep: OnStep): RestatePromise<unknown> {
  const context = restateContext();
  switch (one.t) {
    case "run":
      return context.run(path, () => {
        onStep(path);
        if (one.fails) throw new TerminalError(`step ${path}`);
        return path;
      });
    case "sleep":
      return context.sleep(1);
    case "awakeable":
      return context.awakeable().promise;
    case "call":
      return context.genericCall({
        service: "Other",
        method: path,
        parameter: path,
        inputSerde: json,
        outputSerde: json,
      });
    case "get":
      return (context as unknown as { get(name: string): RestatePromise<unknown> }).get("constant");
  }
}
