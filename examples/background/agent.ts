/**
 * An agent that works in the background: the order is taken at once, and a handler is called when the report is there, or
 * when there will be none. Whoever has the handle may also wait for it, or cancel it.
 *
 * Ask: `POST /agents/ReportShelf/<shelf>/order` with `"the history of tea"`, later `POST /agents/ReportShelf/<shelf>/read`.
 */
import { appModel } from "../../agents/model.ts";
import {
  type AgentHandle,
  agentJobs,
  type AgentResult,
  agentService,
  cancelAgent,
  object,
  type ObjectContext,
  RestateAgent,
  startAgent,
} from "../../src/index.ts";

const agent = new RestateAgent({ id: "reporter", model: appModel(), instructions: "You write long reports." });
export const reporter = agentService("Reporter", agent);
/** Calls agents, and then those who want to know. */
export const reportJobs = agentJobs("ReportJobs");

interface Shelf {
  readonly subject: string;
  readonly handle: AgentHandle;
  readonly report?: string;
}

/** One shelf a key. */
export const reportShelf = object({
  name: "ReportShelf",
  handlers: {
    order: async (context: ObjectContext, subject: string): Promise<string> => {
      const notify = {
        through: reportJobs,
        service: "ReportShelf",
        key: context.key,
        handler: "add",
        data: { subject },
      };
      const handle = await startAgent(reporter, `Report about ${subject}`, { notify });
      context.set<Shelf>("shelf", { subject, handle });
      return `You will have a report about ${subject}.`;
    },
    add: async (context: ObjectContext, result: AgentResult<string>): Promise<void> => {
      const shelf = await context.get<Shelf>("shelf");
      const report = result.ok ? result.output : `No report: ${result.error.message}`;
      if (shelf !== null) context.set<Shelf>("shelf", { ...shelf, report });
    },
    read: async (context: ObjectContext): Promise<string | null> => (await context.get<Shelf>("shelf"))?.report ?? null,
    stop: async (context: ObjectContext): Promise<void> => {
      const shelf = await context.get<Shelf>("shelf");
      if (shelf !== null) cancelAgent(shelf.handle);
    },
  },
});
