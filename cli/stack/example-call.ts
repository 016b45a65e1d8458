/** What the terminal shows of an app: one call to copy. */
import { SMOKE_KEY } from "../../src/endpoint/smoke-key.ts";
import type { Registered } from "./register.ts";

/** A call, as arguments of curl. */
export interface ExampleCall {
  readonly path: string;
  readonly body: string;
}

const WEATHER: ExampleCall = { path: "WeatherAgent/run", body: `--json '"What is the weather in Berlin?"'` };

/** The agent that every project begins with; once it is gone, a service that has a `run`, and is there for callers. */
export function exampleCall(services: Registered): ExampleCall {
  if (services.length === 0 || services.some(({ name }) => name === "WeatherAgent")) return WEATHER;
  const agent = services.find(
    ({ type, handlers, public: isPublic, metadata }) =>
      type === "Service" && handlers.includes("run") && isPublic && metadata[SMOKE_KEY] === undefined,
  );
  return agent === undefined ? WEATHER : { path: `${agent.name}/run`, body: `--json '"Hello"'` };
}
