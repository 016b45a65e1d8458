/**
 * Answers from your own documents (retrieval-augmented generation). A library is a virtual object; each of its documents is
 * cut into passages, and the embedding of every passage is a journaled step, so a Worker that dies while a long document is
 * added pays for none of them twice. The agent searches by itself: the embedding of its query is a step of the tool.
 *
 * Add: `POST /agents/Library/{library}/add` with `{ "title": "Refunds", "text": "…" }`; ask:
 * `POST /agents/Library/{library}/ask` with `"How long does a refund take?"`. It needs OPENAI_API_KEY.
 *
 * The passages are kept in the object's state, which suits some hundred of them. For more, keep them in a vector database,
 * and query it in a step: `restateContext().run("search", () => env.VECTORIZE.query(embedding))`.
 */
import { createOpenAI } from "@ai-sdk/openai";
import { cosineSimilarity, embed, embedMany } from "ai";
import { z } from "zod";
import { appModel } from "../../agents/model.ts";
import { setting } from "../../agents/settings.ts";
import {
  contextTool,
  durableEmbeddingModel,
  handlers,
  object,
  type ObjectContext,
  type ObjectSharedContext,
  RestateAgent,
  restateObjectSharedContext,
} from "../../src/index.ts";

/** Passages that the agent is shown. */
const BEST = 2;

interface Passage {
  readonly title: string;
  readonly text: string;
  readonly embedding: readonly number[];
}

const baseURL = setting("OPENAI_BASE_URL");
const apiKey = setting("OPENAI_API_KEY");
const openai = createOpenAI({
  ...(apiKey === undefined ? {} : { apiKey }),
  ...(baseURL === undefined ? {} : { baseURL }),
});
const embeddings = durableEmbeddingModel(openai.embeddingModel("text-embedding-3-small"), { name: "library" });

const librarian = new RestateAgent({
  id: "librarian",
  model: appModel(),
  instructions:
    "Search the library, then answer from what you found, and name the document. Say so if you found nothing.",
  tools: {
    search: contextTool({
      description: "Find passages of the library's documents.",
      inputSchema: z.object({ query: z.string() }),
      execute: async ({ query }) => {
        const { embedding } = await embed({ model: embeddings, value: query });
        const passages = await allPassages(restateObjectSharedContext());
        return passages
          .map(({ title, text, embedding: own }) => ({ title, text, score: cosineSimilarity(embedding, [...own]) }))
          .toSorted((one, other) => other.score - one.score)
          .slice(0, BEST);
      },
    }),
  },
});

async function allPassages(context: ObjectSharedContext): Promise<Passage[]> {
  const found: Passage[] = [];
  for (const key of await context.stateKeys()) {
    const passage = await context.get<Passage>(key);
    if (passage !== null) found.push(passage);
  }
  return found;
}

const documentSchema = z.object({ title: z.string().min(1), text: z.string().min(1) });

/** A library of documents: its key is its name. */
export const library = object({
  name: "Library",
  handlers: {
    /** Adds a document, or replaces it; the number of its passages. */
    add: async (context: ObjectContext, input: z.infer<typeof documentSchema>): Promise<number> => {
      const { title, text } = documentSchema.parse(input);
      const texts = text.split(/\n\s*\n/).filter((passage) => passage.trim() !== "");
      const { embeddings: vectors } = await embedMany({ model: embeddings, values: texts });
      for (const key of await context.stateKeys()) if (key.startsWith(`${title} #`)) context.clear(key);
      for (const [index, passage] of texts.entries()) {
        context.set<Passage>(`${title} #${index}`, { title, text: passage, embedding: vectors[index] ?? [] });
      }
      return texts.length;
    },
    /** Answers a question. Several may ask at the same time. */
    ask: handlers.object.shared(
      async (_context: ObjectSharedContext, question: string): Promise<string> =>
        (await librarian.generate({ prompt: question })).text,
    ),
  },
});
