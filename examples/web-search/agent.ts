/**
 * Tools that the provider executes, such as OpenAI's web search: they run within the model's answer, and are journaled with
 * it. What was found is read from the journal on replay, sources included.
 *
 * Ask: `POST /agents/Newsroom/run` with `"What is new about Restate?"`.
 */
import { openai } from "@ai-sdk/openai";
import { appModel } from "../../agents/model.ts";
import { type Context, RestateAgent, service } from "../../src/index.ts";

const agent = new RestateAgent(
  {
    id: "newsroom",
    model: appModel(),
    instructions: "You answer with what the web says, and name your sources.",
    tools: { search: openai.tools.webSearch({ searchContextSize: "low" }) },
  },
  // A search changes nothing, so it need not wait until everything before is durable.
  { toolOptions: { search: { readOnly: true } } },
);

/** Answers with text and sources. */
export const newsroom = service({
  name: "Newsroom",
  handlers: {
    run: async (_context: Context, prompt: string): Promise<{ text: string; sources: string[] }> => {
      const { text, sources } = await agent.generate({ prompt });
      return { text, sources: sources.flatMap((source) => (source.sourceType === "url" ? [source.url] : [])) };
    },
  },
});
