/**
 * A tool that waits for somebody else's system: it hands out an awakeable's id, and the run sleeps until that system calls
 * back. `POST /restate/awakeables/{id}/resolve` at Restate's ingress is the webhook's address.
 *
 * Ask: `POST /agents/Transcripts/run` with `"Transcribe https://example.com/talk.mp3"` and `prefer: respond-async`.
 */
import { z } from "zod";
import { appModel } from "../../agents/model.ts";
import { setting } from "../../agents/settings.ts";
import { agentService, contextTool, RestateAgent, restateContext } from "../../src/index.ts";

const agent = new RestateAgent({
  id: "transcripts",
  model: appModel(),
  instructions: "You sum up recordings.",
  tools: {
    transcribe: contextTool({
      description: "Transcribe a recording. Takes up to an hour.",
      inputSchema: z.object({ url: z.url() }),
      execute: async ({ url }) => {
        const context = restateContext();
        const { id, promise } = context.awakeable<{ text: string }>();
        await context.run("order a transcript", () => order(url, id));
        // Costs nothing while it waits; a TimeoutError after an hour is told to the model.
        return (await promise.orTimeout({ hours: 1 })).text;
      },
    }),
  },
});

/** The id goes with the order, as the address to call back. The service keeps one order for each id. */
async function order(url: string, callbackId: string): Promise<void> {
  const service = setting("TRANSCRIPT_URL");
  if (service === undefined) return console.info(`Resolve ${callbackId} with { "text": … } when ${url} is transcribed`);
  const body = JSON.stringify({ key: callbackId, url });
  const response = await fetch(service, { method: "POST", headers: { "content-type": "application/json" }, body });
  // Anything but a TerminalError is tried again.
  if (!response.ok) throw new Error(`The transcript service answered ${response.status}`);
  await response.arrayBuffer();
}

/** Sums up a recording. */
export const transcripts = agentService("Transcripts", agent);
