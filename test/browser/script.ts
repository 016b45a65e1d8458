/** What the provider of the browser tests answers: it depends on the last question alone, so a repeated call gets the same. */
import {
  answeredToolCalls,
  type RecordedRequest,
  type ScriptedReply,
  turnOfConversation,
} from "../../src/testing/scripted-openai.ts";

/** A story of sixty numbered words, so that a missing or doubled one is seen. */
export const STORY: string = Array.from({ length: 60 }, (_, index) => `word${index + 1}`).join(" ");

/** As models write: what a reader must not see are its marks. */
export const PLAN: string = [
  "## Plan\n\nGo to **Lisbon**, see [the map](https://map.example/lisbon):\n",
  "1. Fly to `LIS`\n   - early\n2. Walk\n",
  `\`\`\`ts\nconst long = "${"x".repeat(300)}";\n\`\`\`\n`,
  "| city | °C |\n|---|---|\n| Lisbon | 21 |",
].join("\n");

/** How long the provider takes for a word, in milliseconds. It may change while it speaks. */
export interface Pace {
  wordMs: number;
}

/** The question of the request. */
export function questionOf({ body }: RecordedRequest): string {
  const input = body["input"] as readonly { readonly role?: string; readonly content?: unknown }[];
  const last = input.findLast(({ role }) => role === "user");
  return JSON.stringify(last?.content ?? "");
}

/** Answers with a tool for some questions, then, and for all others, with the story. */
export function travelScript(request: RecordedRequest, pace: Pace): ScriptedReply {
  const question = questionOf(request);
  const story: ScriptedReply = {
    text: STORY,
    get chunkDelayMs() {
      return pace.wordMs;
    },
  };
  if (turnOfConversation(request) > 0) return question.includes("story") ? story : { text: "All is arranged." };
  const id = `call_${answeredToolCalls(request) + 1}`;
  if (question.includes("weather")) {
    return { reasoning: "Look at the sky", toolCalls: [{ id, name: "getWeather", input: { city: "Berlin" } }] };
  }
  if (question.includes("fail")) return { error: { status: 401, message: "Incorrect API key: sk-wrong" } };
  if (question.includes("plan")) return { text: PLAN };
  if (question.includes("book")) return { toolCalls: [{ id, name: "bookTrip", input: { city: "Lisbon" } }] };
  if (question.includes("locate")) return { toolCalls: [{ id, name: "locate", input: { precise: true } }] };
  if (question.includes("ask")) return { toolCalls: [{ id, name: "askUser", input: { question: "Which day?" } }] };
  return story;
}
