/** An agent that books, and a world in which one can see what is booked. */
import { isStepCount, tool } from "ai";
import { z } from "zod";
import {
  contextTool,
  RestateAgent,
  type RestateAgentOptions,
  restateContext,
  type RollbackCall,
  TerminalError,
  withRestateContext,
} from "../../../src/index.ts";
import {
  type FakeOptions,
  type FakeResult,
  type ModelScript,
  runFake,
  scriptedModel,
} from "../../../src/testing/in-memory.ts";
import type { ScriptedReply } from "../../../src/testing/scripted-openai.ts";

export const call = (name: string, id: string): { id: string; name: string; input: { id: string } } => ({
  id,
  name,
  input: { id },
});

/** What has happened outside. */
export class World {
  /** `book a`, `undo a`, …, in order, repetitions included. */
  readonly log: string[] = [];
  readonly booked: Set<string> = new Set();
  readonly model: ReturnType<typeof scriptedModel>;

  constructor(script: readonly ScriptedReply[] | ModelScript) {
    this.model = scriptedModel(script);
  }

  book(id: string): string {
    this.log.push(`book ${id}`);
    this.booked.add(id);
    return `booking ${id}`;
  }

  undo(id: string): void {
    this.log.push(`undo ${id}`);
    this.booked.delete(id);
  }

  get undone(): string[] {
    return this.log.filter((line) => line.startsWith("undo")).map((line) => line.slice(5));
  }
}

const input = z.object({ id: z.string() });

/** Tools: `book` can be undone, `reject` fails terminally, `look` has no effect, `wait` takes an hour. */
export const toolsOf = (world: World) => ({
  book: tool({ inputSchema: input, execute: async ({ id }) => world.book(id) }),
  look: tool({ inputSchema: input, execute: async ({ id }) => `seen ${id}` }),
  wait: contextTool({
    inputSchema: input,
    execute: async () => {
      await restateContext().sleep({ hours: 1 });
      return "waited";
    },
  }),
  reject: tool({
    inputSchema: input,
    execute: async ({ id }): Promise<string> => {
      throw new TerminalError(`No ${id}`, { errorCode: 402 });
    },
  }),
});

type Options = RestateAgentOptions<ReturnType<typeof toolsOf>>;
type Undo = (call: RollbackCall<{ id: string }, string>) => unknown;

/** The agent `travel`. `undo` replaces what undoes a booking; `uncertain: false`: only bookings with a result are undone. */
export function travelAgent(
  world: World,
  options: Omit<Options, "toolOptions"> & {
    readonly undo?: Undo;
    readonly uncertain?: boolean;
    readonly id?: string;
  } = {},
) {
  const { undo = ({ input: { id } }) => world.undo(id), uncertain = true, id = "travel", ...rest } = options;
  const settings = { id, model: world.model, tools: toolsOf(world), stopWhen: isStepCount(10) };
  return new RestateAgent(settings, {
    ...rest,
    toolOptions: {
      book: {
        onRollback: undo,
        ...(uncertain ? { onRollbackUncertain: undo } : {}),
        rollbackOptions: { maxRetryAttempts: 3 },
      },
    },
  });
}

/** Two bookings side by side, a third, and then what `last` says. */
export const threeBookings = (...last: ScriptedReply[]): ScriptedReply[] => [
  { toolCalls: [call("book", "a"), call("look", "x"), call("book", "b")] },
  { toolCalls: [call("book", "c")] },
  ...last,
];

/** Runs `body` in a handler on the fake. */
export const fake = <T>(body: () => Promise<T>, options: FakeOptions = {}): Promise<FakeResult<T>> =>
  runFake((context) => withRestateContext(context, body), options);

/** What the handler failed with. */
export const errorOf = ({ outcome }: FakeResult<unknown>): TerminalError => (outcome as { error: TerminalError }).error;

/** The steps of a journal that undo. */
export const undoSteps = ({ journal }: FakeResult<unknown>): string[] =>
  journal.commands.filter((command) => / (undo|rollback) /.test(command)).map((command) => command.slice(4));

/** Ids of the bookings in the journal, in the order in which they completed there, and then reversed. */
export function expectedUndoing({ journal }: FakeResult<unknown>): string[] {
  const commands = journal.commands;
  const done = journal.completions.flatMap(({ command }) => {
    const id = / tool book (\S+)$/.exec(commands[command] ?? "")?.[1];
    return id === undefined ? [] : [id];
  });
  return done.reverse();
}
