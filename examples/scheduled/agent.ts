/**
 * Runs on a schedule: an object that sends itself its next run with a delay. There is no cron daemon, and no run is lost or
 * doubled: the next one is with Restate before this one begins. One run, later: `POST /agents/DailyBrief/berlin/write?delay=1h`.
 *
 * Begin: `POST /agents/DailyBrief/berlin/start` with `{ "everyMs": 86400000 }`. End: `POST /agents/DailyBrief/berlin/stop`.
 */
import { z } from "zod";
import { appModel } from "../../agents/model.ts";
import {
  InvalidInputError,
  object,
  type ObjectContext,
  RestateAgent,
  rpc,
  type VirtualObjectDefinition,
} from "../../src/index.ts";

const agent = new RestateAgent({ id: "daily-brief", model: appModel(), instructions: "You write short briefs." });

const inputSchema = z.object({ everyMs: z.number().int().min(100) });

/** A schedule that was changed or stopped has another number, so runs of the old one do nothing. */
type Schedule = { readonly number: number; readonly everyMs: number };

/** One schedule a key. */
export const dailyBrief = object({
  name: "DailyBrief",
  handlers: {
    start: async (context: ObjectContext, input: unknown): Promise<void> => {
      const parsed = inputSchema.safeParse(input);
      if (!parsed.success) throw new InvalidInputError(`Cannot start: ${z.prettifyError(parsed.error)}`);
      const schedule: Schedule = { number: (await lastNumber(context)) + 1, everyMs: parsed.data.everyMs };
      context.set("schedule", schedule);
      sendNext(context, schedule);
    },
    stop: async (context: ObjectContext): Promise<void> => {
      context.set("schedule", { number: (await lastNumber(context)) + 1, everyMs: 0 });
    },
    /** Sent by the schedule. */
    tick: async (context: ObjectContext, number: number): Promise<void> => {
      const schedule = await context.get<Schedule>("schedule");
      if (schedule === null || schedule.number !== number) return;
      // First the next one: a run that fails does not end the schedule.
      sendNext(context, schedule);
      await write(context);
    },
    /** Writes a brief now. */
    write,
    /** The last brief, and how many there were. */
    last: async (context: ObjectContext): Promise<Briefs> => (await context.get<Briefs>("briefs")) ?? NONE,
  },
});

type Briefs = { readonly count: number; readonly text: string };
const NONE: Briefs = { count: 0, text: "" };

async function write(context: ObjectContext): Promise<string> {
  const { text } = await agent.generate({ prompt: `The brief of ${context.key}` });
  const { count } = (await context.get<Briefs>("briefs")) ?? NONE;
  context.set("briefs", { count: count + 1, text });
  return text;
}

async function lastNumber(context: ObjectContext): Promise<number> {
  return (await context.get<Schedule>("schedule"))?.number ?? 0;
}

/** What the schedule calls: the object cannot name its own type. */
const self: VirtualObjectDefinition<"DailyBrief", { tick: (context: ObjectContext, number: number) => Promise<void> }> =
  { name: "DailyBrief" };

function sendNext(context: ObjectContext, { number, everyMs }: Schedule): void {
  context.objectSendClient(self, context.key).tick(number, rpc.sendOpts({ delay: everyMs }));
}
