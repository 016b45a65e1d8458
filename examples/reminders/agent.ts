/**
 * An assistant that comes back by itself: its tool sends a message to its own conversation, minutes or months later. Restate
 * keeps the message, so nothing runs meanwhile, and the turn that it begins knows the whole conversation.
 *
 * Talk: `POST /agents/Reminders/<conversation>/send` with `{ "message": "Remind me of my tea in 1 minute" }`; when the time has
 * come, `GET /chat/Reminders/<conversation>` shows the new turn.
 */
import { z } from "zod";
import { appModel } from "../../agents/model.ts";
import {
  agentSession,
  contextTool,
  type ObjectContext,
  RestateAgent,
  restateObjectContext,
  rpc,
  type VirtualObjectDefinition,
} from "../../src/index.ts";

const agent = new RestateAgent({
  id: "reminders",
  model: appModel(),
  instructions:
    "You remind people of things. A message that begins with [reminder] is from your own clock: tell the user what it is time for.",
  tools: {
    remind: contextTool({
      description: "Remind the user of something later.",
      inputSchema: z.object({ of: z.string(), inMinutes: z.number().positive().max(525_600) }),
      execute: async ({ of, inMinutes }) => {
        const context = restateObjectContext();
        const delay = { seconds: Math.round(inMinutes * 60) };
        context.objectSendClient(self, context.key).send(`[reminder] ${of}`, rpc.sendOpts({ delay }));
        return "It is on the list.";
      },
    }),
  },
});

/** What the tool calls: the conversation cannot name its own type. */
const self: VirtualObjectDefinition<
  "Reminders",
  { send: (context: ObjectContext, message: string) => Promise<unknown> }
> = { name: "Reminders" };

/** One conversation a key. */
export const reminders = agentSession("Reminders", agent);
