/**
 * Events start agents: Restate reads a Kafka topic and invokes the handler once for each record. The record's key is the
 * object's key, so the events of one customer are handled one after another, those of others at the same time.
 *
 * Name the cluster: `POST /admin/kafka-clusters` with
 * `{ "name": "my-cluster", "properties": { "bootstrap.servers": "localhost:9092" } }`. Subscribe: `POST /admin/subscriptions`
 * with `{ "source": "kafka://my-cluster/reviews", "sink": "service://ReviewDesk/onReview" }`.
 */
import { generateText, Output } from "ai";
import { z } from "zod";
import { appModel } from "../../agents/model.ts";
import { durableModel, object, type ObjectContext } from "../../src/index.ts";

const model = durableModel(appModel(), { name: "review-desk" });
const reviewSchema = z.object({ text: z.string().min(1).max(10_000) });
const moods = Output.choice({ options: ["content", "angry"] });

/** One customer a key. */
export const reviewDesk = object({
  name: "ReviewDesk",
  handlers: {
    onReview: async (context: ObjectContext, record: unknown): Promise<string> => {
      const review = reviewSchema.safeParse(record);
      // Nobody can answer a record: what cannot be read is set aside, and the topic goes on.
      if (!review.success) return setAside(context, record);
      const instructions = "How does this customer feel?";
      const prompt = review.data.text;
      const { output: mood } = await generateText({ model, instructions, prompt, output: moods, maxRetries: 0 });
      context.set("mood", mood);
      return mood;
    },
  },
});

function setAside(context: ObjectContext, record: unknown): string {
  context.set("unreadable", record);
  return "unreadable";
}
