import { tool } from "ai";
import { z } from "zod";
import { type Context, RestateAgent, service, TerminalError } from "../src/index.ts";
import { appModel, hasModelKey } from "./model.ts";
import { openMeteoWeather } from "./open-meteo.ts";
import { setting } from "./settings.ts";
import { bundledWeather, type Weather } from "./weather-data.ts";

async function weatherOf(city: string, signal: AbortSignal | undefined): Promise<Weather> {
  if (hasModelKey() && setting("WEATHER_DATA") !== "bundled") return openMeteoWeather(city, signal);
  const weather = bundledWeather(city);
  if (weather === undefined)
    throw new TerminalError(`The bundled data has no weather of "${city}"`, { errorCode: 404 });
  return weather;
}

/** A plain AI SDK tool: RestateAgent runs execute() as one journaled step. */
export const weatherTool = tool({
  description: "Get the current weather for a given city.",
  inputSchema: z.object({ city: z.string().describe("Name of the city") }),
  execute: ({ city }, { abortSignal }) => weatherOf(city, abortSignal),
});

const tools = { getWeather: weatherTool };

/**
 * An agent that tells the weather. Made for each call, because settings are known only at run time; its tools are made
 * once, so that their schemas are compiled once.
 */
export function weatherAgent() {
  return new RestateAgent({
    id: "weather",
    model: appModel(),
    instructions: "You are a helpful agent that provides weather updates.",
    tools,
  });
}

export const weatherService = service({
  name: "WeatherAgent",
  handlers: {
    run: async (_ctx: Context, prompt: string): Promise<string> => (await weatherAgent().generate({ prompt })).text,
  },
});
