/**
 * A conversation that agents pass on to each other: whoever has it answers, until it passes it on. Who has it follows from
 * the conversation, so the next turn goes to the right one.
 *
 * Chat: `POST /chat/HelpDesk/<session>`; or `POST /agents/HelpDesk/<session>/send` with `"I want my money back"`.
 */
import { tool } from "ai";
import { z } from "zod";
import { appModel } from "../../agents/model.ts";
import { agentSession, handoffAgent, RestateAgent } from "../../src/index.ts";

const reception = new RestateAgent({
  id: "reception",
  model: appModel(),
  instructions: "You are the reception. Pass the conversation to who can help.",
});

const refundClerk = new RestateAgent({
  id: "refund-clerk",
  model: appModel(),
  instructions: "You are the refund clerk. You pay money back.",
  tools: {
    payBack: tool({
      description: "Pay an order back.",
      inputSchema: z.object({ order: z.string() }),
      execute: ({ order }) => `${order} was paid back.`,
    }),
  },
});

const seller = new RestateAgent({ id: "seller", model: appModel(), instructions: "You are the seller." });

const desk = handoffAgent({
  id: "help-desk",
  agents: { reception, refunds: refundClerk, sales: seller },
  handoffs: { reception: ["refunds", "sales"], refunds: ["reception"], sales: ["reception"] },
  descriptions: { refunds: "Pays orders back.", sales: "Sells things.", reception: "Knows who can help." },
});

/** A conversation a key. */
export const helpDesk = agentSession("HelpDesk", desk);
