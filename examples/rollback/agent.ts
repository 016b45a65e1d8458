/**
 * Undoing what was done, when the rest cannot be. Each tool that books says how its booking is cancelled (`onRollback`). When
 * the run fails or is cancelled, and also when the handler fails after it (`withRollback`), what was booked is cancelled in
 * reverse order: steps in the journal, so it happens although the Worker dies in the middle. The caller gets the failure, with
 * a report of what was undone.
 *
 * Ask: `POST /agents/TripDesk/run` with `{ "trip": "7", "wish": "Hotel and flight to Rome", "card": "refused" }`.
 */
import { tool } from "ai";
import { z } from "zod";
import { appModel } from "../../agents/model.ts";
import { setting } from "../../agents/settings.ts";
import { type Context, onRollback, RestateAgent, service, TerminalError, withRollback } from "../../src/index.ts";

const place = z.object({ city: z.string() });

const agent = new RestateAgent(
  {
    id: "trip-desk",
    model: appModel(),
    instructions: "You book trips: hotel first, then the flight.",
    tools: {
      bookHotel: tool({
        description: "Book a hotel.",
        inputSchema: place,
        execute: async ({ city }, { toolCallId }) => ({ booking: await tell("book", `hotel-${toolCallId}`), city }),
      }),
      bookFlight: tool({
        description: "Book a flight.",
        inputSchema: place,
        execute: async ({ city }, { toolCallId }) => {
          if (city === "Atlantis") throw new TerminalError("Nobody flies to Atlantis.");
          return { booking: await tell("book", `flight-${toolCallId}`), city };
        },
      }),
    },
  },
  {
    toolErrors: "fail",
    toolOptions: {
      bookHotel: { onRollback: ({ output }) => tell("cancel", output.booking) },
      // A booking that was under way may have been made: by the id of its call it can be cancelled all the same.
      bookFlight: {
        onRollback: ({ output }) => tell("cancel", output.booking),
        onRollbackUncertain: ({ toolCallId }) => tell("cancel", `flight-${toolCallId}`),
      },
    },
    onRollbackFailed: ({ step, problem }) => console.error(`Somebody has to look after "${step}": ${problem}`),
  },
);

/** Tells the booking system. It keeps one booking for each reference, so both may be repeated. */
async function tell(action: "book" | "cancel" | "reserve" | "release", reference: string): Promise<string> {
  const system = setting("BOOKING_URL");
  if (system === undefined) console.info(`${action} ${reference}`);
  else {
    const body = JSON.stringify({ key: reference });
    const response = await fetch(`${system}/${action}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    if (!response.ok) throw new Error(`The booking system answered ${response.status}`);
    await response.arrayBuffer();
  }
  return reference;
}

interface Order {
  readonly trip: string;
  readonly wish: string;
  readonly card: string;
}

/** Books a trip, and charges for it. */
export const tripDesk = service({
  name: "TripDesk",
  handlers: {
    run: async (context: Context, { trip, wish, card }: Order): Promise<string> =>
      withRollback(
        async () => {
          onRollback("release the budget", () => tell("release", `budget-${trip}`));
          await context.run("reserve the budget", () => tell("reserve", `budget-${trip}`));
          const { text } = await agent.generate({ prompt: wish });
          await context.run("charge", () => {
            if (card === "refused") throw new TerminalError("The card was refused", { errorCode: 402 });
          });
          return text;
        },
        { name: "trip-desk order" },
      ),
  },
});
