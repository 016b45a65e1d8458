import { tool } from "ai";
import { z } from "zod";
import { agentSession, RestateAgent } from "../src/index.ts";
import { appModel } from "./model.ts";
import { weatherTool } from "./weather.ts";

const tools = {
  getWeather: weatherTool,
  // The run waits here, for days if need be, until a person has said yes or no.
  bookTrip: tool({
    description: "Book a trip to a city. Use it when the user asks to book one.",
    inputSchema: z.object({ city: z.string().describe("Name of the city") }),
    needsApproval: true,
    execute: ({ city }, { toolCallId }) => ({ city, booking: `trip-${toolCallId}`, status: "booked" }),
  }),
};

/** An agent to chat with, at /chat/Assistant. */
export const assistant = agentSession(
  "Assistant",
  () =>
    new RestateAgent({
      id: "assistant",
      model: appModel(),
      instructions: "You are a helpful travel assistant. You know the weather, and book trips.",
      tools,
    }),
);
