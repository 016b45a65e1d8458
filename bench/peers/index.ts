/** What users could pick instead, in a package of its own; see README.md. */
import type { Subject } from "../subject.ts";
import { cloudflareWorkflows } from "./cloudflare-workflows.ts";
import { dbos } from "./dbos.ts";
import { workflowAgent } from "./workflow-agent.ts";

/** In the order of the report. */
export const peers: readonly Subject[] = [dbos, cloudflareWorkflows, workflowAgent];
