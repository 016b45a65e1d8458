/** A model that speaks OpenAI's Responses protocol and streams numbered words at a steady pace, and knows when each left. */
import { setTimeout as delay } from "node:timers/promises";
import { listen, readJson } from "../../src/testing/http-server.ts";
import { responseEvents } from "../../src/testing/openai-responses.ts";

/** What an answer is. The prompt is this as JSON. */
export interface Answer {
  readonly run: string;
  readonly words: number;
  /** Milliseconds between two words. */
  readonly everyMs: number;
}

/** A running provider. */
export interface PacedProvider {
  readonly baseURL: string;
  /** When each word of a run left, as `performance.now()`. */
  sentAt(run: string): readonly number[];
  close(): Promise<void>;
}

/** The word at `place`, counted from 0. Its number is what a reader finds it by. */
const word = (place: number): string => `w${place} `;

/** Starts it on a free loopback port. */
export async function startPacedProvider(): Promise<PacedProvider> {
  const sent = new Map<string, number[]>();
  const server = await listen(async (request, response) => {
    const body = JSON.stringify(await readJson(request));
    const { run, words, everyMs } = answerIn(body);
    const times: number[] = [];
    sent.set(run, times);
    response.writeHead(200, { "content-type": "text/event-stream" });
    const text = Array.from({ length: words }, (_, place) => word(place)).join("");
    const began = performance.now();
    for (const [index, event] of responseEvents({ text }, 1).entries()) {
      if (event["type"] === "response.output_text.delta") {
        await delay(Math.max(began + times.length * everyMs - performance.now(), 0));
        times.push(performance.now());
      }
      const data = JSON.stringify({ ...event, sequence_number: index });
      response.write(`event: ${String(event["type"])}\ndata: ${data}\n\n`);
    }
    response.end();
  });
  return { baseURL: `${server.url}/v1`, sentAt: (run) => sent.get(run) ?? [], close: () => server.close() };
}

/** The prompt is somewhere in the request, as text of its own. */
function answerIn(body: string): Answer {
  const found = /\{\\"run\\":.*?\}/.exec(body)?.[0];
  if (found === undefined) throw new Error("The request says no answer");
  return JSON.parse(found.replaceAll(String.raw`\"`, '"')) as Answer;
}
