/**
 * Nobody answers: after the time limit the decision is made without a person. The timer is Restate's, so it outlives every
 * Worker; the model is told that nobody answered.
 *
 * Ask: `POST /agents/Refunds/run` with `"Refund order 17"`.
 */
import { tool } from "ai";
import { z } from "zod";
import { appModel } from "../../agents/model.ts";
import { setting } from "../../agents/settings.ts";
import { agentService, approvalObject, RestateAgent } from "../../src/index.ts";

/** Keeps the questions of this example. */
export const refundApprovals = approvalObject("RefundApprovals");

const agent = new RestateAgent(
  {
    id: "refunds",
    model: appModel(),
    instructions: "You refund orders.",
    tools: {
      refund: tool({
        description: "Refund an order.",
        inputSchema: z.object({ order: z.string() }),
        needsApproval: true,
        execute: ({ order }) => `Order ${order} is refunded.`,
      }),
    },
  },
  {
    approvals: {
      object: refundApprovals,
      timeout: { seconds: Number(setting("REFUND_TIMEOUT_SECONDS") ?? 3_600) },
      onTimeout: "deny",
    },
  },
);

/** Refunds only what a person has approved in time. */
export const refunds = agentService("Refunds", agent);
