/**
 * Tools of an MCP server that the provider calls, not this Worker: the server has to be on the internet, and calls are part
 * of the model's answer, and of its journaled step. The provider asks before each call; here a person answers, and the run
 * waits for it as long as that takes. Where this Worker should make the calls, see mcp/.
 *
 * Ask: `POST /agents/DocsDesk/run` with `"What is a virtual object?"` and `prefer: respond-async`. The person answers at Restate's
 * ingress: `POST /restate/awakeables/{id}/resolve` with `true`; the Worker's log, or REVIEW_URL, has the id.
 */
import { openai } from "@ai-sdk/openai";
import type { ModelMessage, ToolModelMessage } from "ai";
import { appModel } from "../../agents/model.ts";
import { setting } from "../../agents/settings.ts";
import { type Context, RestateAgent, service } from "../../src/index.ts";

const agent = new RestateAgent({
  id: "docs-desk",
  model: appModel(),
  instructions: "You answer questions about Restate from its documentation.",
  tools: {
    docs: openai.tools.mcp({
      serverLabel: "docs",
      serverUrl: "https://docs.restate.dev/mcp",
      serverDescription: "The documentation of Restate",
      requireApproval: "always",
    }),
  },
});

/** Answers a question when a person has allowed each call. */
export const docsDesk = service({
  name: "DocsDesk",
  handlers: {
    run: async (context: Context, question: string): Promise<string> => {
      const messages: ModelMessage[] = [{ role: "user", content: question }];
      for (;;) {
        // A run ends where the provider asks. The next one goes on with the answers.
        const { text, content, response } = await agent.generate({ messages });
        const requests = content.filter((part) => part.type === "tool-approval-request");
        if (requests.length === 0) return text;
        const answers: ToolModelMessage["content"] = await Promise.all(
          requests.map(async ({ approvalId, toolCall: { toolName, input } }) => {
            const { id, promise } = context.awakeable<boolean>();
            await context.run(`ask about ${approvalId}`, () => askReviewer(id, `${toolName} ${JSON.stringify(input)}`));
            const approved = await promise;
            return { type: "tool-approval-response", approvalId, approved, providerExecuted: true } as const;
          }),
        );
        messages.push(...response.messages, { role: "tool", content: answers });
      }
    },
  },
});

async function askReviewer(id: string, call: string): Promise<void> {
  const service = setting("REVIEW_URL");
  if (service === undefined) return console.info(`Resolve ${id} with true or false: ${call}`);
  const body = JSON.stringify({ key: id, call });
  const response = await fetch(service, { method: "POST", headers: { "content-type": "application/json" }, body });
  if (!response.ok) throw new Error(`The reviewers' service answered ${response.status}`);
  await response.arrayBuffer();
}
