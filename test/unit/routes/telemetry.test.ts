import { afterEach, describe, expect, test, vi } from "vitest";
import { telemetryOf, telemetrySettingsKey } from "../../../routes/telemetry.ts";
import { otlpTelemetry, type Span } from "../../../src/index.ts";

const SETTINGS = {
  ENVIRONMENT: "development",
  OTEL_EXPORTER_OTLP_ENDPOINT: "http://receiver.test",
  OTEL_EXPORTER_OTLP_HEADERS: "x-key=sekret",
  OTEL_RESOURCE_ATTRIBUTES: "team=blue",
  CF_VERSION_METADATA: { id: "v7" },
};

const span: Span = {
  traceId: "1".repeat(32),
  spanId: "1".repeat(16),
  name: "n",
  kind: "internal",
  startMs: 0,
  endMs: 0,
  attributes: {},
};

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

describe("the exporter", () => {
  test("is none without an endpoint, or when the app says so", () => {
    expect(telemetryOf({}, { name: "app" })).toBeUndefined();
    expect(telemetryOf(SETTINGS, { name: "app", telemetry: false })).toBeUndefined();
  });

  test("is the app's own, if it has one", () => {
    const own = otlpTelemetry({ endpoint: "http://other.test" });
    expect(telemetryOf(SETTINGS, { name: "app", telemetry: own })).toBe(own);
    expect(telemetryOf({}, { name: "app", telemetry: own })).toBe(own);
  });

  test.each([
    [undefined, "app"],
    ["mine", "mine"],
  ])("says who it speaks for, service name %s", async (OTEL_SERVICE_NAME, serviceName) => {
    const fetched = vi.spyOn(globalThis, "fetch").mockResolvedValue(new Response("{}"));
    const exporter = telemetryOf({ ...SETTINGS, OTEL_SERVICE_NAME }, { name: "app" });
    await exporter?.export([span], { signal: new AbortController().signal });
    const [url, init] = fetched.mock.calls[0] ?? [];
    expect(String(url as URL)).toBe("http://receiver.test/v1/traces");
    expect(new Headers(init?.headers).get("x-key")).toBe("sekret");
    expect(JSON.parse(init?.body as string)).toMatchObject({
      resourceSpans: [
        {
          resource: {
            attributes: [
              { key: "deployment.environment.name", value: { stringValue: "development" } },
              { key: "team", value: { stringValue: "blue" } },
              { key: "service.name", value: { stringValue: serviceName } },
              { key: "service.version", value: { stringValue: "v7" } },
            ],
          },
        },
      ],
    });
  });
});

test("the name of the service is OTEL_SERVICE_NAME, then that of OTEL_RESOURCE_ATTRIBUTES, then the app's", async () => {
  const fetched = vi.spyOn(globalThis, "fetch").mockImplementation(() => Promise.resolve(new Response("{}")));
  const given = { ...SETTINGS, OTEL_RESOURCE_ATTRIBUTES: "service.name=attribute" };
  for (const settings of [{ ...given, OTEL_SERVICE_NAME: "mine" }, given, SETTINGS]) {
    await telemetryOf(settings, { name: "app" })?.export([span], { signal: new AbortController().signal });
  }
  const bodies = fetched.mock.calls.map(([, init]) => init?.body as string);
  const names = bodies.map((body) => /"service.name","value":\{"stringValue":"(\w+)"/.exec(body)?.[1]);
  expect(names).toEqual(["mine", "attribute", "app"]);
});

test("every setting that matters makes an endpoint of its own", () => {
  const keys = [
    {},
    ...Object.entries({ ...SETTINGS, OTEL_SERVICE_NAME: "s" }).map(([name, value]) => ({ [name]: value })),
  ];
  // The version is part of the endpoint's key already.
  expect(new Set(keys.map(telemetrySettingsKey)).size).toBe(keys.length - 1);
});
