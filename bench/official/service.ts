/** The agent of the bench as Restate's documentation of `@restatedev/vercel-ai-middleware` builds one. */
import { createOpenAI } from "@ai-sdk/openai";
import { type Context, service } from "@restatedev/restate-sdk";
import { durableCalls } from "@restatedev/vercel-ai-middleware";
import { generateText, isStepCount, tool, wrapLanguageModel } from "ai";
import { z } from "zod";
import { work } from "../work.ts";

const setting = (name: string): string => process.env[name] ?? "";

const openai = createOpenAI({ baseURL: setting("BENCH_MODEL_URL"), apiKey: "scripted" });

/** `<prefix>Agent`: each model call and each tool call is one `ctx.run`. */
export const agentService = service({
  name: `${setting("BENCH_PREFIX")}Agent`,
  handlers: {
    run: async (ctx: Context, prompt: string): Promise<string> => {
      const { text } = await generateText({
        model: wrapLanguageModel({
          model: openai("gpt-test"),
          middleware: durableCalls(ctx, { maxRetryAttempts: 3 }),
        }),
        tools: {
          work: tool({
            description: "Does some work",
            inputSchema: z.object({ n: z.number(), ms: z.number(), bytes: z.number() }),
            execute: (input) => ctx.run("work", () => work(input)),
          }),
        },
        stopWhen: isStepCount(100_000),
        prompt,
      });
      return text;
    },
  },
});
