/** The agents on a real restate-server, in the runtime that they are deployed to. */
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import {
  repliesByTurn,
  type RestateTestServer,
  type ServedEndpoint,
  serveWorker,
  startRestate,
  startScriptedOpenAI,
  turnOfConversation,
} from "../../../../src/testing/index.ts";

const MINUTE_MS = 60_000;

let restate: RestateTestServer;
beforeAll(async () => {
  restate = await startRestate();
}, 2 * MINUTE_MS);
afterAll(() => restate.stop());

async function serve(vars: Record<string, string>): Promise<ServedEndpoint> {
  const app = await serveWorker({ entry: "entry/worker.ts", vars: { ENVIRONMENT: "development", ...vars } });
  onTestFinished(() => app.stop());
  await restate.register(`${app.url}/restate`, { http11: app.http11 });
  return app;
}

test("the weather agent answers, without a key of any model", { timeout: 2 * MINUTE_MS }, async () => {
  await serve({});
  const { status, body } = await restate.call("WeatherAgent/run", "What is the weather in Berlin?");
  expect(status).toBe(200);
  expect(body).toContain("Berlin");
});

test("when the app dies, what the model has said is not asked again", { timeout: 2 * MINUTE_MS }, async () => {
  const answer = "Cloudy, 14 degrees";
  const reply = repliesByTurn([
    { toolCalls: [{ id: "call_1", name: "getWeather", input: { city: "Berlin" } }] },
    { text: answer },
  ]);
  // In the middle of the second model call, the app gets SIGKILL.
  const openai = await startScriptedOpenAI(async (request, n) => {
    if (n === 1) await app.restart();
    return reply(request, n);
  });
  onTestFinished(() => openai.close());
  const app = await serve({ OPENAI_API_KEY: "test", OPENAI_BASE_URL: openai.baseURL, WEATHER_DATA: "bundled" });

  const { body } = await restate.call("WeatherAgent/run", "What is the weather in Berlin?");
  expect(body).toBe(answer);
  // The first call once; the second, which was cut, twice.
  expect(openai.requests.map(turnOfConversation)).toEqual([0, 1, 1]);
});
