/** Weather from Open-Meteo, which needs no key. API: https://open-meteo.com/en/docs */
import { z } from "zod";
import { TerminalError } from "../src/index.ts";
import type { Weather } from "./weather-data.ts";

const TIMEOUT_MS = 10_000;

const places = z.object({
  results: z.array(z.object({ name: z.string(), latitude: z.number(), longitude: z.number() })).optional(),
});
const forecast = z.object({ current: z.object({ temperature_2m: z.number(), weather_code: z.number() }) });

/** WMO weather codes, in groups of ten. */
const CONDITIONS = [
  "clear or cloudy",
  "mist",
  "thunder nearby",
  "dust",
  "fog",
  "drizzle",
  "rain",
  "snow",
  "showers",
  "thunderstorm",
];

/**
 * The weather of a city now.
 *
 * @throws TerminalError for an unknown city and for requests that Open-Meteo refuses: the model may read it. Other
 * failures (no network, 429, 5xx) are plain errors, which Restate retries.
 */
export async function openMeteoWeather(city: string, signal: AbortSignal | undefined): Promise<Weather> {
  const name = encodeURIComponent(city);
  const found = places.parse(
    await getJson(`https://geocoding-api.open-meteo.com/v1/search?count=1&name=${name}`, signal),
  );
  const place = found.results?.[0];
  if (place === undefined) throw new TerminalError(`There is no city called "${city}"`, { errorCode: 404 });
  const at = `latitude=${place.latitude}&longitude=${place.longitude}`;
  const url = `https://api.open-meteo.com/v1/forecast?${at}&current=temperature_2m,weather_code`;
  const { current } = forecast.parse(await getJson(url, signal));
  const conditions = CONDITIONS[Math.floor(current.weather_code / 10)] ?? "unknown";
  return { city: place.name, temperatureC: current.temperature_2m, conditions };
}

async function getJson(url: string, signal: AbortSignal | undefined): Promise<unknown> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const response = await fetch(url, { signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]) });
  if (response.ok) return response.json();
  const message = `${new URL(url).host} answered ${response.status}`;
  const { status } = response;
  const isPermanent = status >= 400 && status < 500 && status !== 408 && status !== 429;
  throw isPermanent ? new TerminalError(message, { errorCode: status }) : new Error(message);
}
