/** Traces end to end: a real restate-server that traces, workerd and Deno, and a receiver of OTLP/HTTP. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type EffectServer, startEffectServer } from "../../src/testing/effect-server.ts";
import { type RestateTestServer, startRestate } from "../../src/testing/restate-server.ts";
import {
  answeredToolCalls,
  type RecordedRequest,
  type ScriptedOpenAI,
  type ScriptedReply,
  startScriptedOpenAI,
} from "../../src/testing/scripted-openai.ts";
import { serveDeno, type ServedEndpoint, serveWorker } from "../../src/testing/serve.ts";
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from "./otlp-receiver.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const CALLER = "b7ad6b7169203331";
const TRACEPARENT = { traceparent: `00-${TRACE}-${CALLER}-01`, tracestate: "vendor=1" };

const call = (name: string, id: string) => ({ id: `call_${id}`, name, input: { id } });

let restate: RestateTestServer;
let receiver: OtlpReceiver;
let openai: ScriptedOpenAI;
let effects: EffectServer;
let script: (request: RecordedRequest) => ScriptedReply | Promise<ScriptedReply>;
let refused: (n: number) => boolean = () => false;

beforeAll(async () => {
  receiver = await startOtlpReceiver();
  effects = await startEffectServer({ fail: (_, n) => (refused(n) ? 503 : undefined) });
  openai = await startScriptedOpenAI((request) => script(request));
  restate = await startRestate({
    env: { RESTATE_TRACING_ENDPOINT: receiver.url.replace("http", "otlp+http"), OTEL_BSP_SCHEDULE_DELAY: "100" },
    retry: { initialIntervalMs: 50 },
  });
}, 90_000);

afterAll(async () => {
  await restate.stop();
  await Promise.all([openai.close(), effects.close(), receiver.close()]);
});

beforeEach(() => {
  receiver.mode = "answer";
  refused = () => false;
  openai.reset();
  effects.reset();
});

/** `steps` model calls, each but the last with one effect. */
function effectsInARow(steps: number): void {
  script = (request) => {
    const turn = answeredToolCalls(request);
    return turn < steps - 1 ? { toolCalls: [call("effect", `${turn}`)] } : { text: "done" };
  };
}

const isGuide = ({ body }: RecordedRequest): boolean => JSON.stringify(body["input"]).includes('"guide ');
const named = (spans: readonly ReceivedSpan[], name: string): ReceivedSpan[] =>
  spans.filter((one) => one.name === name);
const hasRun = (spans: readonly ReceivedSpan[]): boolean => named(spans, "invoke_agent trip").length > 0;
const stepOf = ({ attributes: { "restate.step.name": step }, name }: ReceivedSpan): string =>
  typeof step === "string" ? step : name;

function expectConsistent(spans: readonly ReceivedSpan[], outer: (parent: string | undefined) => boolean): void {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
  for (const span of spans) {
    const parent = byId.get(span.parentSpanId ?? "");
    if (parent === undefined) expect([span.name, outer(span.parentSpanId)]).toEqual(["invoke_agent trip", true]);
    else {
      expect(span.startMs).toBeGreaterThanOrEqual(parent.startMs);
      expect(span.endMs).toBeLessThanOrEqual(parent.endMs);
    }
  }
}

/** True when Restate has exported a span with this id. */
const isOfRestate = (spanId: string): boolean =>
  receiver.binary.some((bytes) => bytes.includes(Buffer.from(spanId, "hex")));

describe.each(["workerd", "deno"] as const)("%s", (runtime) => {
  let endpoint: ServedEndpoint;

  beforeAll(async () => {
    const vars = {
      OPENAI_BASE_URL: openai.baseURL,
      EFFECT_URL: effects.url,
      ENVIRONMENT: "development",
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_HEADERS: "x-token=se%20cret",
      OTEL_RESOURCE_ATTRIBUTES: "team=blue",
    };
    const entry = new URL(`../fixtures/telemetry/${runtime === "workerd" ? "worker" : "deno"}.ts`, import.meta.url)
      .pathname;
    endpoint = await (runtime === "workerd" ? serveWorker : serveDeno)({ entry, vars });
    await restate.register(`${endpoint.url}/restate`, { http11: runtime === "workerd" });
  }, 90_000);

  afterAll(() => endpoint.stop());

  test("a run is one trace: the caller's, with Restate's attempts and the agent below", async () => {
    script = (request) => {
      if (isGuide(request)) return { text: "left" };
      const turn = answeredToolCalls(request);
      if (turn === 0) return { toolCalls: [call("effect", "a")] };
      return turn === 1 ? { toolCalls: [call("guide", "b")] } : { text: "done" };
    };
    const id = await restate.send("Trip/run", "go", { headers: TRACEPARENT });
    expect((await restate.attach(id)).body).toBe("done");
    const spans = await receiver.waitFor(id, hasRun);
    expect(spans.map(stepOf).sort()).toEqual([
      "execute_tool guide",
      "guide model 1",
      "invoke_agent guide",
      "invoke_agent trip",
      "trip model 1",
      "trip model 2",
      "trip model 3",
      "trip tool effect call_a",
    ]);
    const one = (name: string): ReceivedSpan | undefined => spans.find((span) => stepOf(span) === name);
    const trip = one("invoke_agent trip");
    expect(trip?.traceId).toBe(TRACE);
    expect(one("trip model 1")?.parentSpanId).toBe(trip?.spanId);
    expect(one("trip tool effect call_a")?.parentSpanId).toBe(trip?.spanId);
    expect(one("execute_tool guide")?.parentSpanId).toBe(trip?.spanId);
    expect(one("invoke_agent guide")?.parentSpanId).toBe(one("execute_tool guide")?.spanId);
    expect(one("guide model 1")?.parentSpanId).toBe(one("invoke_agent guide")?.spanId);
    expectConsistent(spans, (parent) => parent !== undefined && parent !== CALLER);
    await receiver.waitFor(id, () => isOfRestate(trip?.parentSpanId ?? "-"), 20_000);
    expect(one("trip model 2")?.attributes).toMatchObject({
      "gen_ai.provider.name": "openai",
      "gen_ai.request.model": "gpt-test",
      "gen_ai.response.finish_reasons": ["tool-calls"],
      "agent.step.number": 2,
      "restate.service": "Trip",
    });
    expect(one("trip model 2")?.attributes["gen_ai.usage.input_tokens"]).toBeTypeOf("number");
    expect(trip?.resource).toMatchObject({ "service.name": "trips", team: "blue" });
    expect(receiver.headers.at(-1)).toMatchObject({ "x-token": "se cret" });
  });

  test("a run of more than 42 requests makes each span once, of what is no step too", async () => {
    script = (request) => {
      if (isGuide(request)) return { text: "left" };
      const turn = answeredToolCalls(request);
      return turn < 20 ? { toolCalls: [call(turn === 5 ? "guide" : "effect", `${turn}`)] } : { text: "done" };
    };
    const id = await restate.send("Careful/run", "go");
    expect((await restate.attach(id)).body).toBe("done");
    const spans = await receiver.waitFor(id, hasRun);
    const steps = spans.map(stepOf);
    expect(steps).toHaveLength(21 + 19 + ["execute_tool guide", "invoke_agent guide", "guide model", "trip"].length);
    expect(new Set(steps).size).toBe(steps.length);
    expectConsistent(spans, (parent) => parent !== undefined);
    expect(named(spans, "invoke_agent trip")[0]?.attributes).toMatchObject({ "agent.steps": 21 });
  });

  test("a service that is called is in the caller's trace", async () => {
    effectsInARow(2);
    const id = await restate.send("Caller/run", "go", { headers: TRACEPARENT });
    expect((await restate.attach(id)).body).toBe("done");
    const find = (): ReceivedSpan | undefined =>
      receiver.spans.findLast(({ name, traceId }) => name === "invoke_agent trip" && traceId === TRACE);
    await receiver.waitFor(id, () => find()?.attributes["restate.service"] === "Trip");
    expect(find()?.attributes["restate.invocation.id"]).not.toBe(id);
  });

  test("each real attempt of a step is a span, with its error", async () => {
    effectsInARow(2);
    refused = (n) => n < 2;
    const id = await restate.send("Trip/run", "go");
    expect((await restate.attach(id)).body).toBe("done");
    const spans = await receiver.waitFor(id, hasRun);
    const attempts = named(spans, "execute_tool effect");
    expect(attempts.map(({ isError }) => isError)).toEqual([true, true, false]);
    expect(attempts.map(({ attributes }) => attributes["error.type"])).toEqual(["Error", "Error", undefined]);
    expect(new Set(attempts.map(({ spanId }) => spanId)).size).toBe(3);
    expect(spans).toHaveLength(6);
  });

  test("a trace that the caller does not record is not recorded", async () => {
    effectsInARow(1);
    const headers = { traceparent: TRACEPARENT.traceparent.replace(/01$/, "00") };
    const unrecorded = await restate.send("Trip/run", "go", { headers });
    expect((await restate.attach(unrecorded)).body).toBe("done");
    const recorded = await restate.send("Trip/run", "go");
    await receiver.waitFor(recorded, hasRun);
    expect(receiver.of(unrecorded)).toEqual([]);
  });

  test.each(["refuse", "hang"] as const)("a receiver that would %s does not hold up a run", async (mode) => {
    receiver.mode = mode;
    effectsInARow(6);
    const started = performance.now();
    const id = await restate.send("Careful/run", "go");
    expect((await restate.attach(id)).body).toBe("done");
    expect(performance.now() - started).toBeLessThan(4_000);
    expect(endpoint.log.split("Cannot export spans").length - 1).toBeLessThanOrEqual(2);
    receiver.mode = "answer";
    const next = await restate.send("Trip/run", "go");
    await receiver.waitFor(next, hasRun);
  });

  test("killed in the middle: each completed step once, the one in flight at most twice", async () => {
    const release = Promise.withResolvers<void>();
    let isKilled = false;
    script = async (request) => {
      const turn = answeredToolCalls(request);
      if (turn === 2 && !isKilled) await release.promise;
      return turn < 4 ? { toolCalls: [call("effect", `${turn}`)] } : { text: "done" };
    };
    const id = await restate.send("Trip/run", "go", { headers: TRACEPARENT });
    await receiver.waitFor(id, (spans) => spans.length >= 4 && openai.count >= 3);
    isKilled = true;
    await endpoint.kill();
    release.resolve();
    await endpoint.start();
    expect((await restate.attach(id)).body).toBe("done");
    const spans = await receiver.waitFor(id, hasRun);
    const counts = new Map<string, number>();
    for (const span of spans) counts.set(stepOf(span), (counts.get(stepOf(span)) ?? 0) + 1);
    expect([...counts.keys()].sort()).toEqual([
      "invoke_agent trip",
      ...[1, 2, 3, 4, 5].map((n) => `trip model ${n}`),
      ...[0, 1, 2, 3].map((n) => `trip tool effect call_${n}`),
    ]);
    for (const [step, count] of counts) expect([step, count]).toEqual([step, 1]);
    expectConsistent(spans, (parent) => parent !== undefined);
  });
});
