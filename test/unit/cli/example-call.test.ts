import { expect, test } from "vitest";
import { exampleCall } from "../../../cli/stack/example-call.ts";
import { SMOKE_KEY } from "../../../src/endpoint/smoke-key.ts";

const service = (name: string, more: object = {}) => ({
  name,
  type: "Service",
  handlers: ["run"],
  public: true,
  metadata: {},
  ...more,
});
const SMOKE = service("A.smoke", { metadata: { [SMOKE_KEY]: "run" } });
const PRIVATE = service("B.inbox", { public: false });

test.each([
  ["the first agent", [SMOKE, service("WeatherAgent")], "WeatherAgent/run"],
  ["that of the examples", [service("CreditCheck"), service("Weather")], "Weather/run"],
  ["another one", [SMOKE, PRIVATE, service("Desk")], "Desk/run"],
  ["the same one whatever their order", [service("Desk"), service("Cashier")], "Cashier/run"],
  ["none", [SMOKE, PRIVATE, service("Chat", { type: "VirtualObject" })], "WeatherAgent/run"],
  ["none yet", [], "WeatherAgent/run"],
])("the call to copy is of an agent that may be called, and not of the smoke service: %s", (_what, services, path) => {
  expect(exampleCall(services).path).toBe(path);
});
