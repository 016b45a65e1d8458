/**
 * The model of every subject: OpenAI's Responses protocol over loopback HTTP. It uses the test kit's wire forms, but
 * neither records requests nor pauses between streamed events, so that it costs all subjects as little as it can.
 */
import type { ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { listen, readJson } from "../src/testing/http-server.ts";
import { outputItems, responseEvents, responseObject } from "../src/testing/openai-responses.ts";
import { answerTo, type ConversationItem } from "./prompt.ts";

/** A running scripted model. */
export interface BenchModel {
  /** Base URL for `createOpenAI({ baseURL })`. */
  readonly url: string;
  /** When each request since `reset()` came, as `performance.now()`. */
  readonly arrivals: readonly number[];
  /** Forgets the arrivals. */
  reset(): void;
  close(): Promise<void>;
}

/** How the model behaves. */
export interface BenchModelOptions {
  /** Time before each answer begins, in milliseconds. Default 0. */
  readonly latencyMs?: number;
}

/** Starts the model on a free loopback port. */
export async function startBenchModel({ latencyMs = 0 }: BenchModelOptions = {}): Promise<BenchModel> {
  const arrivals: number[] = [];
  let answered = 0;
  const server = await listen(async (request, response) => {
    arrivals.push(performance.now());
    const body = ((await readJson(request)) ?? {}) as Readonly<Record<string, unknown>>;
    if (latencyMs > 0) await delay(latencyMs);
    await send(response, body, ++answered);
  });
  return {
    url: `${server.url}/v1`,
    arrivals,
    reset: () => {
      arrivals.length = 0;
    },
    close: () => server.close(),
  };
}

async function send(response: ServerResponse, body: Readonly<Record<string, unknown>>, id: number): Promise<void> {
  const input = body["input"];
  const reply = answerTo(Array.isArray(input) ? (input as readonly ConversationItem[]) : []);
  if (body["stream"] !== true) {
    const answer = JSON.stringify(responseObject(reply, outputItems(reply, id), id));
    response.writeHead(200, { "content-type": "application/json" }).end(answer);
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  const events = responseEvents(reply, id).map((event, index) => {
    const data = JSON.stringify({ ...event, sequence_number: index });
    return `event: ${String(event["type"])}\ndata: ${data}\n\n`;
  });
  const { chunkDelayMs = 0 } = reply;
  if (chunkDelayMs === 0) {
    response.end(events.join(""));
    return;
  }
  for (const event of events) {
    response.write(event);
    await delay(chunkDelayMs);
  }
  response.end();
}
