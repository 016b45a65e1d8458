/**
 * People change their minds while the agent works. A message with `"mode": "interrupt"` ends the running turn, keeps what was
 * said, and answers the new one; `"mode": "steer"` gives it to the running turn; `"regenerate": true` asks for another answer.
 *
 * Ask: `POST /agents/CodingAgent/t1/send` with `{ "message": "Write a parser" }`; while it works, again with
 * `{ "message": "In Rust, please", "mode": "interrupt" }` at `POST /chat/CodingAgent/t1`.
 */
import { tool } from "ai";
import { z } from "zod";
import { appModel } from "../../agents/model.ts";
import { agentSession, RestateAgent } from "../../src/index.ts";

const agent = new RestateAgent({
  id: "coding",
  model: appModel(),
  instructions: "You write programs, one file after another.",
  tools: {
    writeFile: tool({
      description: "Write a file.",
      inputSchema: z.object({ path: z.string(), content: z.string() }),
      execute: ({ path, content }) => `Wrote ${content.length} characters to ${path}.`,
    }),
  },
});

/** One task a key. */
export const codingAgent = agentSession("CodingAgent", agent);
