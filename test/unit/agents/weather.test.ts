import { createOpenAI } from "@ai-sdk/openai";
import { ToolLoopAgent } from "ai";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { modelInfo } from "../../../agents/index.ts";
import { appModel } from "../../../agents/model.ts";
import { weatherAgent } from "../../../agents/weather.ts";
import { bundledWeather } from "../../../agents/weather-data.ts";
import { TerminalError } from "../../../src/index.ts";

const SETTINGS = ["OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL", "WEATHER_DATA"];
const fetched = vi.fn<typeof fetch>();

beforeEach(() => {
  for (const name of SETTINGS) vi.stubEnv(name, undefined);
  fetched.mockReset().mockRejectedValue(new Error("no network in this test"));
  vi.stubGlobal("fetch", fetched);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
});

/** The agent's own tool, as the agent calls it. */
async function getWeather(city: string): Promise<unknown> {
  const execute = weatherAgent().tools.getWeather.execute;
  return execute?.({ city }, { toolCallId: "call-1", messages: [], context: {} });
}

const requestedUrls = (): string[] => fetched.mock.calls.map(([input]) => new Request(input).url);
const json = (body: unknown, status = 200): Response => Response.json(body, { status });

test("without a key the agent answers from the demo model and bundled data, with no network", async () => {
  const { tools } = weatherAgent();
  const agent = new ToolLoopAgent({ model: appModel(), tools });
  const { text, steps } = await agent.generate({ prompt: "What is the weather in Berlin and Paris?" });
  expect(steps[0]?.toolCalls.map(({ input }) => input)).toEqual([{ city: "Berlin" }, { city: "Paris" }]);
  expect(text).toContain("city Berlin, temperatureC 14, conditions cloudy");
  expect(text).toContain("city Paris, temperatureC 16");
  expect(fetched).not.toHaveBeenCalled();
});

test("an unknown city is told to the model", async () => {
  await expect(getWeather("Atlantis")).rejects.toThrow(TerminalError);
  await expect(getWeather("Atlantis")).rejects.toThrow("Atlantis");
});

test("bundled cities are found whatever their case", () => {
  expect(bundledWeather(" NEW york ")).toMatchObject({ conditions: "windy" });
  expect(bundledWeather("constructor")).toBeUndefined();
});

test("with a key the model is OpenAI's, with the settings' name and address", async () => {
  expect(modelInfo()).toEqual({ model: "demo" });
  vi.stubEnv("OPENAI_API_KEY", "secret");
  expect(modelInfo()).toEqual({ model: "openai gpt-5.2" });
  expect(appModel()).toMatchObject({ modelId: createOpenAI({ apiKey: "x" })("gpt-5.2").modelId });
  vi.stubEnv("OPENAI_BASE_URL", "http://127.0.0.1:1234/v1");
  vi.stubEnv("OPENAI_MODEL", "gpt-test");
  expect(modelInfo()).toEqual({ model: "openai gpt-test" });
  const agent = new ToolLoopAgent({ model: appModel(), maxRetries: 0 });
  await expect(agent.generate({ prompt: "Hi" })).rejects.toThrow();
  expect(requestedUrls()).toContain("http://127.0.0.1:1234/v1/responses");
});

test("with a key the weather comes from Open-Meteo, unless WEATHER_DATA is bundled", async () => {
  vi.stubEnv("OPENAI_API_KEY", "secret");
  fetched.mockResolvedValueOnce(json({ results: [{ name: "Berlin", latitude: 52.5, longitude: 13.4 }] }));
  fetched.mockResolvedValueOnce(json({ current: { temperature_2m: 3.5, weather_code: 61 } }));
  expect(await getWeather("berlin & co")).toEqual({ city: "Berlin", temperatureC: 3.5, conditions: "rain" });
  const [geocoding, forecast] = requestedUrls();
  expect(geocoding).toContain("name=berlin%20%26%20co");
  expect(forecast).toContain("latitude=52.5&longitude=13.4");
  vi.stubEnv("WEATHER_DATA", "bundled");
  expect(await getWeather("Berlin")).toMatchObject({ temperatureC: 14 });
  expect(fetched).toHaveBeenCalledTimes(2);
});

test.each([
  ["a city that Open-Meteo does not know", json({ generationtime_ms: 1 }), true],
  ["400", json({ error: true }, 400), true],
  ["404", json({}, 404), true],
  ["408", json({}, 408), false],
  ["429", json({}, 429), false],
  ["500", json({}, 500), false],
  ["503", json({}, 503), false],
  ["an answer of another shape", json({ results: "none" }), false],
  ["an answer that is no JSON", new Response("<html>"), false],
])("%s: told to the model or retried", async (_what, answer, terminal) => {
  vi.stubEnv("OPENAI_API_KEY", "secret");
  fetched.mockResolvedValueOnce(answer);
  const failure = await getWeather("Berlin").catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(Error);
  expect(failure instanceof TerminalError).toBe(terminal);
});

test("no network is retried", async () => {
  vi.stubEnv("OPENAI_API_KEY", "secret");
  const failure = await getWeather("Berlin").catch((error: unknown) => error);
  expect(failure).toMatchObject({ message: "no network in this test" });
  expect(failure).not.toBeInstanceOf(TerminalError);
});
