/**
 * Tell me when it is ready: a workflow runs the agent once for each key; whoever wants to hear of the answer, before or after,
 * waits for the workflow's promise in a handler of its own.
 *
 * Ask: `POST /agents/Research/r1/run` with a question and `prefer: respond-async`; then
 * `POST /agents/Research/r1/notify` with `"ada@example.com"`, as often as there are people.
 */
import { appModel } from "../../agents/model.ts";
import { setting } from "../../agents/settings.ts";
import { RestateAgent, workflow, type WorkflowContext, type WorkflowSharedContext } from "../../src/index.ts";

const agent = new RestateAgent({ id: "research", model: appModel(), instructions: "You research questions." });

/** One answer a key. */
export const research = workflow({
  name: "Research",
  handlers: {
    run: async (context: WorkflowContext, question: string): Promise<string> => {
      const { text } = await agent.generate({ prompt: question });
      await context.promise<string>("answer").resolve(text);
      return text;
    },
    notify: async (context: WorkflowSharedContext, address: string): Promise<void> => {
      const answer = await context.promise<string>("answer");
      await context.run("send mail", () => sendMail(address, answer));
    },
  },
});

async function sendMail(to: string, text: string): Promise<void> {
  const service = setting("MAIL_URL");
  if (service === undefined) return console.info(`Mail to ${to}: ${text.length} characters`);
  const body = JSON.stringify({ key: to, text });
  const response = await fetch(service, { method: "POST", headers: { "content-type": "application/json" }, body });
  if (!response.ok) throw new Error(`The mail service answered ${response.status}`);
  await response.arrayBuffer();
}
