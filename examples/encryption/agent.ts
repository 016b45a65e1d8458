/**
 * Whoever runs Restate sees no prompt, answer, argument, result or state: they are encrypted before they leave the Worker, with
 * keys that Restate never has. And what nobody should keep at all, such as the number of a card, is redacted before it is
 * stored, streamed or traced; the model does not see it again either.
 *
 * Ask: `POST /agents/Vault/run`. The setting JOURNAL_KEYS has the keys (`openssl rand -base64 32`), docs/encryption.md the rest.
 */
import { tool } from "ai";
import { z } from "zod";
import { appModel } from "../../agents/model.ts";
import { agentService, type Redact, RestateAgent } from "../../src/index.ts";

/** The last four digits are enough for everyone but the bank. */
const withoutCards: Redact = (text) => text.replace(/\b(?:\d{4}[ -]?){3}(\d{4})\b/g, "[card $1]");

const agent = new RestateAgent(
  {
    id: "vault",
    model: appModel(),
    instructions: "You help customers with their accounts.",
    tools: {
      findAccount: tool({
        description: "Find the account of a customer.",
        inputSchema: z.object({ customer: z.string() }),
        execute: ({ customer }) => ({ customer, card: "4000 0012 3456 7899", balance: 120 }),
      }),
    },
  },
  { redact: withoutCards },
);

/** Helps customers. */
export const vault = agentService("Vault", agent);
