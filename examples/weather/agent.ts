/**
 * The smallest durable agent: one agent, one tool, one Restate service. Every answer of the model and every tool call is
 * journaled, so a Worker that dies in the middle goes on where it stopped.
 *
 * Ask: `POST /agents/Weather/run` with `"Is it raining in Berlin?"`.
 */
import { tool } from "ai";
import { z } from "zod";
import { appModel } from "../../agents/model.ts";
import { bundledWeather } from "../../agents/weather-data.ts";
import { agentService, RestateAgent, TerminalError } from "../../src/index.ts";

const agent = new RestateAgent({
  id: "weather-example",
  model: appModel(),
  instructions: "You tell the weather.",
  tools: {
    getWeather: tool({
      description: "Get the current weather of a city.",
      inputSchema: z.object({ city: z.string() }),
      // One journaled step. A TerminalError is told to the model; any other error is retried by Restate.
      execute: ({ city }) => {
        const weather = bundledWeather(city);
        if (weather === undefined) throw new TerminalError(`No weather of "${city}"`, { errorCode: 404 });
        return weather;
      },
    }),
  },
});

/** Answers with the agent's text. */
export const weather = agentService("Weather", agent);
