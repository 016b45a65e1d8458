/** Compiled, not run: the code of those guides in docs/ that is in no example. What it does is tested where the guide says. */
import { tool } from "ai";
import { z } from "zod";
import {
  agentSession,
  type Context,
  contextTool,
  demoModel,
  durableObjectStreamStore,
  memoryStreamStore,
  onRollback,
  readStream,
  RestateAgent,
  restateContext,
  rollbackReport,
  service,
  type StreamStore,
  withRollback,
} from "../../src/index.ts";

interface Order {
  readonly id: string;
  readonly wish: string;
}
const done = async (..._input: readonly unknown[]): Promise<string> => "done";
const hotels = { cancel: done, book: done };
const flights = { cancel: done };
const stock = { release: done, reserve: done };
const charge = tool({ inputSchema: z.object({}), execute: () => done() });
const model = demoModel();
const place = z.object({ city: z.string() });
const bookHotel = tool({ inputSchema: place, execute: () => ({ booking: "1" }) });
const bookFlight = tool({ inputSchema: place, execute: () => ({ booking: "2" }) });

// docs/rollback.md
const agent = new RestateAgent(
  { id: "travel", model, tools: { bookHotel, bookFlight, charge } },
  {
    toolErrors: "fail",
    toolOptions: {
      bookHotel: { onRollback: ({ output }) => hotels.cancel(output.booking) },
      bookFlight: { onRollback: ({ output }) => flights.cancel(output.booking) },
    },
  },
);

export const hotelTool = contextTool({
  inputSchema: place,
  execute: async ({ city }, { toolCallId }) => {
    onRollback("cancel the hotel", () => hotels.cancel(toolCallId));
    return restateContext().run("book the hotel", () => hotels.book(toolCallId, city));
  },
});

export function inHandlers(bookingAgent: typeof agent, charge: (order: Order) => Promise<void>) {
  const handlers = {
    run: async (ctx: Context, order: Order) =>
      withRollback(async () => {
        onRollback("release the stock", () => stock.release(order.id));
        await ctx.run("reserve the stock", () => stock.reserve(order.id));
        await bookingAgent.generate({ prompt: order.wish });
        await ctx.run("charge", () => charge(order)); // a TerminalError here undoes bookings and stock
      }),
  };
  return service({ name: "Orders", handlers });
}

const bookings = service({ name: "Bookings", handlers: { cancel: (_ctx: Context, id: string) => done(id) } });
export function ofAnotherInvocation(id: string, error: unknown) {
  onRollback("…", () => restateContext().serviceClient(bookings).cancel(id), { wrap: false });
  return rollbackReport(error);
}

// docs/encryption.md
export function redacting(settings: { id: string; model: typeof model }) {
  return new RestateAgent(settings, {
    redact: (text, { kind }) =>
      kind === "tool-input" ? text : text.replace(/\b(?:\d{4}[ -]?){3}(\d{4})\b/g, "[card $1]"),
  });
}

// docs/streams.md
export function streams(
  supportAgent: typeof agent,
  env: { readonly STREAMS: Exclude<Parameters<typeof durableObjectStreamStore>[0], () => unknown> },
) {
  agentSession("Support", supportAgent);
  agentSession("Support", supportAgent, { streams: durableObjectStreamStore(() => env.STREAMS) });
  agentSession("Support", supportAgent, { streams: memoryStreamStore() });
}
export async function reading(store: StreamStore) {
  for await (const { offset, chunk } of readStream(store, "Support/c1/t1", { after: 40 }))
    console.log(offset, chunk.type);
}
