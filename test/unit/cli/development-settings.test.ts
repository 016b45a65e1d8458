import { afterEach, expect, test, vi } from "vitest";
import { developmentSettings } from "../../../cli/stack/settings.ts";

/** A folder without `.dev.vars`. */
const folder = import.meta.dirname;
const restate = { ingressUrl: "http://127.0.0.1:8080", adminUrl: "http://127.0.0.1:9070" };

afterEach(() => vi.unstubAllEnvs());

test("tokens that are not set are made up, anew at each start", () => {
  vi.stubEnv("ADMIN_TOKEN", undefined);
  vi.stubEnv("AGENT_API_KEYS", " ");
  const { settings, madeUp } = developmentSettings(folder, restate);
  expect(Object.keys(madeUp).toSorted()).toEqual(["ADMIN_TOKEN", "AGENT_API_KEYS"]);
  for (const token of Object.values(madeUp)) expect(token).toMatch(/^[\w-]{24}$/);
  expect(settings).toMatchObject({ ...madeUp, ENVIRONMENT: "development", RESTATE_ADMIN_URL: restate.adminUrl });
  expect(developmentSettings(folder, restate).madeUp).not.toEqual(madeUp);
});

test("tokens that are set stay, and are not among those that are printed", () => {
  vi.stubEnv("ADMIN_TOKEN", "a-token-of-the-user");
  vi.stubEnv("AGENT_API_KEYS", "a-key-of-the-user");
  const { settings, madeUp } = developmentSettings(folder, restate);
  expect(madeUp).toEqual({});
  expect(settings).toMatchObject({ ADMIN_TOKEN: "a-token-of-the-user", AGENT_API_KEYS: "a-key-of-the-user" });
});
