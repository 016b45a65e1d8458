import { describe, expect, test } from "vitest";
import { currentPlace, requirePlace } from "../../../src/journal/ambient.ts";
import {
  invocationCounter,
  isInsideHandler,
  nextRunName,
  restateContext,
  restateObjectContext,
  restateObjectSharedContext,
  restateWorkflowContext,
  restateWorkflowSharedContext,
  withRestateContext,
} from "../../../src/journal/context.ts";
import { handlers, object, service, workflow } from "../../../src/journal/handlers.ts";
import { RestatePromise } from "../../../src/journal/restate-promise.ts";
import { type Context, type InvocationId, type Serde, serde, TerminalError } from "../../../src/restate.ts";
import { runFake } from "../../../src/testing/run-fake.ts";
import { inFibers, inHandler, valueOf } from "./in-handler.ts";

const CONTEXTS = {
  restateContext,
  restateObjectContext,
  restateObjectSharedContext,
  restateWorkflowContext,
  restateWorkflowSharedContext,
};
const KINDS = ["service", "object", "object-shared", "workflow", "workflow-shared"] as const;
const ALLOWED: Record<keyof typeof CONTEXTS, readonly (typeof KINDS)[number][]> = {
  restateContext: KINDS,
  restateObjectContext: ["object"],
  restateObjectSharedContext: ["object", "object-shared"],
  restateWorkflowContext: ["workflow"],
  restateWorkflowSharedContext: ["workflow", "workflow-shared"],
};
const names = Object.keys(CONTEXTS) as (keyof typeof CONTEXTS)[];

/** What `action` throws, by its stable code. */
function codeOf(action: () => unknown): unknown {
  try {
    action();
    return "no error";
  } catch (error) {
    return (error as { errorCode?: unknown }).errorCode;
  }
}

describe.each(names)("%s()", (name) => {
  test("outside of a handler throws an error that says what to do", () => {
    expect(() => CONTEXTS[name]()).toThrow(
      expect.objectContaining({
        errorCode: "outside-handler",
        message: expect.stringContaining(`${name}()`) as string,
      }),
    );
  });

  test.each(KINDS)("in a handler of kind %s is allowed or names the kinds that are", async (kind) => {
    const code = valueOf(await inHandler(async () => codeOf(() => CONTEXTS[name]()), { kind }));
    expect(code).toBe(ALLOWED[name].includes(kind) ? "no error" : "wrong-handler-kind");
  });
});

test("inside a journaled step everything that adds to the journal throws and names the step", async () => {
  const codes = await inHandler(async (ctx) =>
    ctx.run("the step", () => [
      codeOf(() => restateContext()),
      codeOf(() => ctx.run("inner", () => 1)),
      codeOf(() => ctx.sleep(1)),
      codeOf(() => ctx.awakeable()),
      codeOf(() => ctx.set("a", 1)),
      codeOf(() => ctx.date.now()),
      codeOf(() => ctx.promise("p").peek()),
      codeOf(() => ctx.serviceClient({ name: "Other" })),
      codeOf(() => RestatePromise.all([])),
      codeOf(() => invocationCounter("a")),
      codeOf(() => ctx.console.log("allowed")),
      codeOf(() => ctx.request()),
      codeOf(() => ctx.key),
    ]),
  );
  expect(valueOf(codes)).toEqual([...Array<string>(10).fill("inside-step"), ...Array<string>(3).fill("no error")]);
  expect(codes.journal.commands).toEqual(["run the step"]);
});

test("a step's action sees the place where the step was declared, whoever drives the journal", async () => {
  const seen: boolean[] = [];
  await inHandler(() =>
    inFibers(
      ...["a", "b", "c"].map((name) => async () => {
        const { fiber } = requirePlace("the test");
        await restateContext().run(name, async () => {
          await Promise.resolve();
          seen.push(currentPlace()?.fiber === fiber && currentPlace()?.step === name);
        });
        seen.push(currentPlace()?.fiber === fiber && currentPlace()?.step === undefined);
      }),
    ),
  );
  expect(seen).toEqual(Array<boolean>(6).fill(true));
});

test("isInsideHandler() is true in handlers and in their steps", async () => {
  const result = await inHandler(async (ctx) => [isInsideHandler(), await ctx.run("step", () => isInsideHandler())]);
  expect([isInsideHandler(), valueOf(result)]).toEqual([false, [true, true]]);
});

test("run names count the runs of an agent within one invocation", async () => {
  const body = async (): Promise<string[]> => [nextRunName("a"), nextRunName("b"), nextRunName("a"), nextRunName("a")];
  for (const _ of [1, 2]) expect(valueOf(await inHandler(body))).toEqual(["a", "b", "a:2", "a:3"]);
});

describe("handlers", () => {
  /** The handler as the SDK would call it. */
  const handlerOf = (definition: object, face: "object" | "service" | "workflow", name: string) => {
    const routes = (definition as Record<string, Record<string, (ctx: Context, input?: unknown) => Promise<unknown>>>)[
      face
    ];
    return (ctx: Context): Promise<unknown> =>
      routes?.[name]?.(ctx, "input") ?? Promise.reject(new Error("no handler"));
  };
  const tell = async (kind: string): Promise<string> => (await restateContext().run("step", () => kind)) + "!";

  test("of service(), object() and workflow() install the context of their kind", async () => {
    const made = [
      handlerOf(service({ name: "S", handlers: { run: () => tell("service") } }), "service", "run"),
      handlerOf(
        object({ name: "O", handlers: { run: () => (restateObjectContext(), tell("object")) } }),
        "object",
        "run",
      ),
      handlerOf(
        object({
          name: "O",
          handlers: { run: handlers.object.shared(() => (restateObjectSharedContext(), tell("shared"))) },
        }),
        "object",
        "run",
      ),
      handlerOf(
        workflow({ name: "W", handlers: { run: () => (restateWorkflowContext(), tell("workflow")) } }),
        "workflow",
        "run",
      ),
    ];
    const results = await Promise.all(made.map((handler) => runFake(handler)));
    expect(results.map(valueOf)).toEqual(["service!", "object!", "shared!", "workflow!"]);
  });

  test("withRestateContext() installs it by hand", async () => {
    const result = await runFake((ctx) =>
      withRestateContext(ctx, async (own) => [own === restateContext(), own === ctx, await tell("by hand")]),
    );
    expect(valueOf(result)).toEqual([true, false, "by hand!"]);
  });
});

describe("the scheduled context", () => {
  test("calls services and objects, gives invocation ids, and may do so concurrently", async () => {
    type Greeter = { greet(ctx: Context, name: string): Promise<string> };
    const result = await inHandler(
      async (ctx) => {
        const greeter = ctx.serviceClient<Greeter>({ name: "Greeter" });
        const keyed = ctx.objectClient<Greeter>({ name: "Keyed" }, "k");
        const call = greeter.greet("Ann");
        const answers = await Promise.all([call, keyed.greet("Bob"), greeter.greet("nobody").catch(String)]);
        const generic = await ctx.genericCall({
          service: "Greeter",
          method: "greet",
          parameter: "Cid",
          inputSerde: serde.json as Serde<string>,
          outputSerde: serde.json as Serde<string>,
        });
        return [answers, generic, await call.invocationId];
      },
      {
        calls: (target, input) => {
          if (input === "nobody") throw new TerminalError("no such person", { errorCode: 404 });
          return `${target} ${String(input)}`;
        },
      },
    );
    expect(valueOf(result)).toEqual([
      ["Greeter/greet Ann", "Keyed/k/greet Bob", "TerminalError: no such person"],
      "Greeter/greet Cid",
      "inv_Greeter/greet",
    ]);
    expect(result.journal.commands).toEqual([
      "call Greeter/greet",
      "call Keyed/k/greet",
      "call Greeter/greet",
      "call Greeter/greet",
    ]);
  });

  test("sends, cancels and attaches", async () => {
    const result = await inHandler(
      async (ctx) => {
        const sent = ctx.genericSend({ service: "Mailer", method: "send", parameter: new Uint8Array() });
        ctx.serviceSendClient({ name: "Mailer" }) satisfies object;
        const id = await sent.invocationId;
        ctx.cancel(id);
        return [id, await ctx.attach("inv_other" as InvocationId)];
      },
      { calls: (target) => `answer of ${target}` },
    );
    expect(valueOf(result)).toEqual(["inv_Mailer/send", "answer of inv_other"]);
    expect(result.journal.commands).toEqual(["send Mailer/send", "cancel inv_Mailer/send", "attach inv_other"]);
  });

  test("resolves and rejects awakeables, from inside and outside", async () => {
    const result = await inHandler(
      async (ctx) => {
        const own = [ctx.awakeable<string>(), ctx.awakeable<string>(), ctx.awakeable<string>()] as const;
        ctx.resolveAwakeable(own[0].id, "from inside");
        ctx.rejectAwakeable(own[1].id, new TerminalError("refused", { errorCode: 403 }));
        const refused = own[1].promise.catch((error: TerminalError) => [error.message, error.code]);
        return Promise.all([own[0].promise, refused, own[2].promise, ctx.signal<string>("go")]);
      },
      { signals: (name) => `from outside: ${name}` },
    );
    expect(valueOf(result)).toEqual(["from inside", ["refused", 403], "from outside: awakeable-3", "from outside: go"]);
  });

  test("awaits a durable promise itself, its get() and its peek()", async () => {
    const result = await inHandler(async (ctx) => {
      const before = await ctx.promise<string>("p").peek();
      await ctx.promise<string>("p").resolve("value");
      const [itself, got] = await Promise.all([ctx.promise<string>("p"), ctx.promise<string>("p").get()]);
      await ctx.promise("q").reject("no");
      return [before, itself, got, await ctx.promise("q").catch((error: Error) => error.message)];
    });
    expect(valueOf(result)).toEqual([undefined, "value", "value", "no"]);
  });

  test("reads and writes state between concurrent awaits", async () => {
    const result = await inHandler(async (ctx) => {
      await inFibers(
        ...[1, 2, 3].map((n) => async () => {
          await ctx.run(`step ${n}`, () => n);
          ctx.set("sum", ((await ctx.get<number>("sum")) ?? 0) + n);
        }),
      );
      return [await ctx.stateKeys(), typeof (await ctx.get("sum"))];
    });
    expect(valueOf(result)).toEqual([["sum"], "number"]);
  });

  test("journals the clock, and gives plain values as they are", async () => {
    const result = await inHandler(
      async (ctx) => {
        const start = await ctx.date.now();
        await ctx.sleep({ minutes: 1 });
        ctx.console.log("slept", ctx.key);
        return [(await ctx.date.now()) - start, await ctx.date.toJSON(), ctx.request().headers.size];
      },
      { key: "the key" },
    );
    expect(valueOf(result)).toEqual([60_000, "1970-01-01T00:01:00.000Z", 0]);
    expect(result.logs).toEqual(["log slept the key"]);
  });

  test("run() without a name, and without an action", async () => {
    const result = await inHandler(async (ctx) => [
      await ctx.run(() => "no name"),
      codeOf(() => (ctx.run as unknown as (name: string) => unknown)("no action")),
    ]);
    expect(valueOf(result)).toEqual(["no name", undefined]);
  });
});

test("the scheduler leaves no rejection unhandled, whatever fails", async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): number => unhandled.push(reason);
  process.on("unhandledRejection", note);
  const fail = (): never => {
    throw new TerminalError("fails");
  };
  for (const cancelAt of [[], [3], [3, 5], [6]]) {
    await inHandler(
      async (ctx) => {
        void ctx.run("never awaited", fail);
        const failing = ctx.run("shared", fail);
        await Promise.allSettled([failing, failing.map(fail), failing.orTimeout(1)]);
        await inFibers(
          async () => {
            await Promise.race([ctx.run("a", () => 1), ctx.run("b", fail), ctx.awakeable().promise]);
          },
          async () => {
            await RestatePromise.race([ctx.run("c", () => 1), ctx.run("d", fail)]);
          },
          async () => {
            await Promise.all([ctx.run("e", fail), ctx.run("f", fail), ctx.sleep(5)]);
          },
        );
      },
      { cancelAt },
    );
  }
  await new Promise((resolve) => setTimeout(resolve, 20));
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
});
