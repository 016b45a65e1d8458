/**
 * A tool that is a workflow of its own: another Restate service, with its own journal, retries and deployment, that may also
 * be called without any agent. It waits for a person's decision as long as that takes.
 *
 * Ask: `POST /agents/TravelDesk/run` with `"Book me a trip to Lisbon"` and `prefer: respond-async`. The manager answers:
 * `POST /agents/BookingWorkflow/<key>/decide` with `true`; `GET /admin/invocations` shows the key.
 */
import { z } from "zod";
import { appModel } from "../../agents/model.ts";
import {
  agentService,
  contextTool,
  RestateAgent,
  restateContext,
  workflow,
  type WorkflowContext,
  type WorkflowSharedContext,
} from "../../src/index.ts";

const tripSchema = z.object({ city: z.string(), days: z.number().int().min(1).max(30) });
type Trip = z.infer<typeof tripSchema>;

/** Books a trip when the manager agrees: one trip a key. */
export const bookingWorkflow = workflow({
  name: "BookingWorkflow",
  handlers: {
    run: async (context: WorkflowContext, { city, days }: Trip): Promise<string> => {
      if (!(await context.promise<boolean>("decision"))) return `The manager does not want a trip to ${city}.`;
      const hotel = await context.run("book a hotel", () => `hotel in ${city}, ${days} nights`);
      const flight = await context.run("book a flight", () => `flight to ${city}`);
      return `Booked: ${hotel}, ${flight}.`;
    },
    decide: async (context: WorkflowSharedContext, agrees: boolean): Promise<void> => {
      await context.promise<boolean>("decision").resolve(agrees);
    },
  },
});

const agent = new RestateAgent({
  id: "travel-desk",
  model: appModel(),
  instructions: "You book trips.",
  tools: {
    bookTrip: contextTool({
      description: "Book a trip, if the manager agrees.",
      inputSchema: tripSchema,
      execute: async (trip) => {
        const context = restateContext();
        // The same on every replay: the context's randomness is seeded.
        const key = context.rand.uuidv4();
        return context.workflowClient(bookingWorkflow, key).run(trip);
      },
    }),
  },
});

/** Answers when the trip is booked, or refused. */
export const travelDesk = agentService("TravelDesk", agent);
