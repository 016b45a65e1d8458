/**
 * Two agents at the same task: the first answer wins, and the other one is cancelled, wherever it is. A replay has the same
 * winner.
 *
 * Ask: `POST /agents/Translators/run` with `"Guten Morgen"`.
 */
import { appModel } from "../../agents/model.ts";
import { agentService, callAgent, type Context, RestateAgent, raceAgents, service } from "../../src/index.ts";

const translator = (style: string) =>
  new RestateAgent({
    id: `${style}-translator`,
    model: appModel(),
    instructions: `You translate into English, ${style}.`,
  });

export const quickTranslator = agentService("QuickTranslator", translator("quickly"));
export const carefulTranslator = agentService("CarefulTranslator", translator("carefully"));

/** Answers with who was first, and what it said. */
export const translators = service({
  name: "Translators",
  handlers: {
    run: async (_context: Context, text: string): Promise<{ winner: string; answer: string }> =>
      raceAgents({
        quick: () => callAgent(quickTranslator, text),
        careful: () => callAgent(carefulTranslator, text),
      }),
  },
});
