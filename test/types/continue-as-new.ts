/** Compiled, not run: the options of long runs, beside Restate's own. */
import { type LanguageModelUsage, type ModelMessage, tool } from "ai";
import { z } from "zod";
import type { AgentHandlers, AgentServiceOptions } from "../../src/agent/agent-service.ts";
import { dropOldToolResults, keepLastMessages } from "../../src/agent/compaction.ts";
import { agentService, demoModel, RestateAgent } from "../../src/index.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function same<A, B>(equal: Equal<A, B>): void;

const work = tool({ inputSchema: z.object({}), execute: async () => "worked" });
const agent = new RestateAgent({ id: "typed", model: demoModel(), tools: { work } });

agentService("Plain", agent);
agentService("Restate", agent, { journalRetention: { days: 1 }, ingressPrivate: true });
agentService("Defaults", agent, { continueAsNew: {} });
agentService("Kept", agent, { continueAsNew: { steps: 50, bytes: 1_000, compact: keepLastMessages(4) } });

const dropped = dropOldToolResults({ keep: 5 });
const long = agentService("Long", agent, {
  retryPolicy: { maxAttempts: 3 },
  continueAsNew: {
    compact: async (messages, { signal, segment, steps, usage }) => {
      same<typeof messages, ModelMessage[]>(true);
      same<typeof signal, AbortSignal>(true);
      same<typeof segment, number>(true);
      same<typeof steps, number>(true);
      same<typeof usage, LanguageModelUsage>(true);
      return dropped(messages);
    },
  },
});
same<(typeof long)["name"], "Long">(true);

// The handler `continue` is not for callers.
same<keyof AgentHandlers<never, never>, "run">(true);

export const options: AgentServiceOptions = { continueAsNew: { steps: 1 } };

// @ts-expect-error -- there is no such option
agentService("Unknown", agent, { continueAsNew: { stepz: 1 } });
// @ts-expect-error -- messages, not their text
agentService("Text", agent, { continueAsNew: { compact: () => "text" } });
// @ts-expect-error -- a number
dropOldToolResults({ keep: "all" });
