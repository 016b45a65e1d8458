/**
 * Models of Cloudflare: Workers AI through the Worker's own binding, without a key, and OpenAI through AI Gateway, which logs,
 * caches and limits. Should OpenAI be down, an open model on Workers AI answers in the same step. Embeddings, rankings and
 * images are journaled steps too.
 *
 * `npm install workers-ai-provider`, and in wrangler.toml: `[ai]` with `binding = "AI"`. Make a gateway named `agents` and store
 * the key of OpenAI in it.
 *
 * Ask: `POST /agents/Concierge/ask` with a question, `POST /agents/Concierge/best` with `{ "wish": "…", "offers": ["…"] }`,
 * `POST /agents/Concierge/poster` with what it should show.
 */
import { createOpenAI } from "@ai-sdk/openai";
import { cosineSimilarity, embedMany, generateImage, rerank } from "ai";
import { env } from "cloudflare:workers";
import { createWorkersAI } from "workers-ai-provider";
import { createGatewayProvider } from "workers-ai-provider/gateway";
import { z } from "zod";
import {
  type Context,
  durableEmbeddingModel,
  durableImageModel,
  durableRerankingModel,
  fallbackModel,
  RestateAgent,
  service,
} from "../../src/index.ts";

const gateway = "agents";
const workersai = createWorkersAI({ binding: env.AI, gateway: { id: gateway } });
const openai = createGatewayProvider(createOpenAI, { binding: env.AI, gateway });

const concierge = new RestateAgent({
  id: "concierge",
  model: fallbackModel([openai("gpt-5.2"), workersai("@cf/openai/gpt-oss-120b")], { timeoutMs: 30_000 }),
  instructions: "You are the concierge of a hotel.",
});

const embeddings = durableEmbeddingModel(workersai.embedding("@cf/baai/bge-base-en-v1.5"));
const ranking = durableRerankingModel(workersai.reranking("@cf/baai/bge-reranker-base"));
const images = durableImageModel(workersai.image("@cf/black-forest-labs/flux-1-schnell"));

const wishSchema = z.object({ wish: z.string(), offers: z.array(z.string()).min(1) });

/** Answers questions, finds offers, draws posters. */
export const conciergeService = service({
  name: "Concierge",
  handlers: {
    ask: async (_context: Context, question: string): Promise<string> =>
      (await concierge.generate({ prompt: question })).text,

    /** The offer that fits a wish best: embeddings choose ten, the reranking model the best of them. */
    best: async (_context: Context, input: z.infer<typeof wishSchema>): Promise<string | undefined> => {
      const { wish, offers } = wishSchema.parse(input);
      const { embeddings: vectors } = await embedMany({ model: embeddings, values: [wish, ...offers] });
      const [own = [], ...others] = vectors;
      const close = offers
        .map((offer, index) => ({ offer, score: cosineSimilarity(own, others[index] ?? []) }))
        .toSorted((one, other) => other.score - one.score)
        .slice(0, 10);
      const documents = close.map(({ offer }) => offer);
      const { rerankedDocuments } = await rerank({ model: ranking, query: wish, documents, topN: 1 });
      return rerankedDocuments[0];
    },

    /** A picture, in base64. A large one belongs into a blob store: `{ blobs: { store: r2BlobStore(env.BLOBS) } }`. */
    poster: async (_context: Context, prompt: string): Promise<string> =>
      (await generateImage({ model: images, prompt })).image.base64,
  },
});
