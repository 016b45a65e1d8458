/**
 * An agent that calls agents of other services over Restate: each call is an invocation of its own, with its own journal and
 * retries, on its own deployment. Only their names and types are known here. When this one is cancelled, so are they.
 *
 * Ask: `POST /agents/LoanDesk/run` with `"Ada asks for 10,000 euros"`.
 */
import { z } from "zod";
import { appModel } from "../../agents/model.ts";
import { agentService, agentTool, RestateAgent, remoteAgent } from "../../src/index.ts";

const creditAgent = new RestateAgent({ id: "credit", model: appModel(), instructions: "You judge credit histories." });
const fraudAgent = new RestateAgent({ id: "fraud", model: appModel(), instructions: "You look for fraud." });

/** Of two other teams; here they are served beside the desk. */
export const creditCheck = agentService("CreditCheck", creditAgent);
export const fraudCheck = agentService("FraudCheck", fraudAgent);

const desk = new RestateAgent({
  id: "loan-desk",
  model: appModel(),
  instructions: "You decide about loans. Have the applicant's credit and possible fraud checked at the same time.",
  tools: {
    checkCredit: agentTool(remoteAgent<typeof creditCheck>("CreditCheck"), {
      description: "Have an applicant's credit history checked.",
      inputSchema: z.object({ name: z.string(), euros: z.number() }),
      input: ({ name, euros }) => `Can ${name} pay back ${euros} euros?`,
    }),
    checkFraud: agentTool(remoteAgent<typeof fraudCheck>("FraudCheck"), {
      description: "Have an application checked for fraud.",
      // It is slow at times: then it is cancelled, and the model decides without it.
      timeoutMs: 120_000,
    }),
  },
});

/** Answers with the decision. */
export const loanDesk = agentService("LoanDesk", desk);
