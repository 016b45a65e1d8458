/** Weather of a few cities, for when there is no network. */

/** Weather now. */
export interface Weather {
  readonly city: string;
  readonly temperatureC: number;
  readonly conditions: string;
}

const BUNDLED: Readonly<Record<string, Omit<Weather, "city">>> = {
  amsterdam: { temperatureC: 12, conditions: "drizzle" },
  berlin: { temperatureC: 14, conditions: "cloudy" },
  cairo: { temperatureC: 29, conditions: "sunny" },
  lisbon: { temperatureC: 21, conditions: "sunny" },
  london: { temperatureC: 13, conditions: "rain" },
  "new york": { temperatureC: 17, conditions: "windy" },
  oslo: { temperatureC: 4, conditions: "snow" },
  paris: { temperatureC: 16, conditions: "partly cloudy" },
  "san francisco": { temperatureC: 18, conditions: "fog" },
  "são paulo": { temperatureC: 24, conditions: "thunderstorm" },
  sydney: { temperatureC: 22, conditions: "clear" },
  tokyo: { temperatureC: 19, conditions: "clear" },
};

/** The bundled weather; undefined for a city that is not among it. */
export function bundledWeather(city: string): Weather | undefined {
  const name = city.trim().toLowerCase();
  const found = Object.hasOwn(BUNDLED, name) ? BUNDLED[name] : undefined;
  return found === undefined ? undefined : { city, ...found };
}
