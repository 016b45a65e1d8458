/**
 * An agent that asks other agents, in the same journal: each is a tool of the first. Two of them work at the same time, and
 * after a crash none of them starts over.
 *
 * Ask: `POST /agents/ClaimDesk/run` with `"My car was stolen in Lisbon"`.
 */
import { tool } from "ai";
import { z } from "zod";
import { appModel } from "../../agents/model.ts";
import { agentService, agentTool, RestateAgent } from "../../src/index.ts";

const policyExpert = new RestateAgent({
  id: "policy-expert",
  model: appModel(),
  instructions: "You know what our policies cover.",
  tools: {
    readPolicy: tool({
      description: "The text of a policy.",
      inputSchema: z.object({ kind: z.enum(["car", "home", "travel"]) }),
      execute: ({ kind }) => `The ${kind} policy covers theft, in Europe.`,
    }),
  },
});

const riskExpert = new RestateAgent({
  id: "risk-expert",
  model: appModel(),
  instructions: "You judge whether a claim is plausible. Answer in one sentence.",
});

const desk = new RestateAgent({
  id: "claim-desk",
  model: appModel(),
  instructions: "You decide claims. Ask both experts at once, then decide.",
  tools: {
    askPolicyExpert: agentTool(policyExpert, { description: "Ask what a policy covers." }),
    askRiskExpert: agentTool(riskExpert, { description: "Ask whether a claim is plausible.", timeoutMs: 60_000 }),
  },
});

/** Answers with the decision. */
export const claimDesk = agentService("ClaimDesk", desk);
