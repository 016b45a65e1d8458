/** What the terminal shows of an app: one call to copy. */
import { SMOKE_KEY } from "../../src/endpoint/smoke-key.ts";
import type { Registered } from "./register.ts";

/** A call, as arguments of curl. */
export interface ExampleCall {
  readonly path: string;
  readonly body: string;
}

/** Of the app that every project begins with, and of the examples. */
const WEATHER_AGENTS = ["WeatherAgent", "Weather"];

const callOf = (name: string): ExampleCall => ({
  path: `${name}/run`,
  body: WEATHER_AGENTS.includes(name) ? `--json '"What is the weather in Berlin?"'` : `--json '"Hello"'`,
});

/** The agent that every project begins with; once it is gone, the first by name that has a `run`, and is there for callers. */
export function exampleCall(services: Registered): ExampleCall {
  const names = services
    .filter(
      ({ type, handlers, public: isPublic, metadata }) =>
        type === "Service" && handlers.includes("run") && isPublic && metadata[SMOKE_KEY] === undefined,
    )
    .map(({ name }) => name)
    .toSorted();
  return callOf(WEATHER_AGENTS.find((name) => names.includes(name)) ?? names[0] ?? "WeatherAgent");
}
