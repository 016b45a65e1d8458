/**
 * A person decides: the run waits before the tool, for days if need be, costing nothing. Everybody who may answer finds the
 * question at `GET /approvals`, and answers it with `POST /approvals/{id}` and `{ "approved": true }`.
 *
 * Ask: `POST /agents/Claims/run` with `"Reimburse my flight, 1,200 EUR"` and `prefer: respond-async`.
 */
import { tool } from "ai";
import { z } from "zod";
import { appModel } from "../../agents/model.ts";
import { agentService, approvalObject, RestateAgent } from "../../src/index.ts";

/** Keeps the questions of this example. */
export const claimApprovals = approvalObject("ClaimApprovals");

const agent = new RestateAgent(
  {
    id: "claims",
    model: appModel(),
    instructions: "You handle claims. Pay what is justified.",
    tools: {
      pay: tool({
        description: "Pay a claim.",
        inputSchema: z.object({ amount: z.number().positive().describe("in EUR") }),
        needsApproval: ({ amount }) => amount > 1_000,
        execute: ({ amount }, { toolCallId }) => ({ paid: amount, receipt: `receipt-${toolCallId}` }),
      }),
    },
  },
  { approvals: { object: claimApprovals } },
);

/** Pays up to 1,000 EUR by itself. */
export const claims = agentService("Claims", agent);
