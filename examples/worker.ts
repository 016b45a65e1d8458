/** All examples in one Worker. */
import { createEdgeApp } from "../routes/index.ts";
import { refundApprovals, refunds } from "./approval-timeout/agent.ts";
import { reporter, reportJobs, reportShelf } from "./background/agent.ts";
import { analysis, budgetApprovals, modelLimit, tutoring } from "./budgets/agent.ts";
import { chat } from "./chat/agent.ts";
import { guide } from "./client-tools/agent.ts";
import { shipping } from "./error-handling/agent.ts";
import { evaluator, faq } from "./evaluation/agent.ts";
import { writer } from "./evaluator-optimizer/agent.ts";
import { helpDesk } from "./handoff/agent.ts";
import { docsDesk } from "./hosted-mcp/agent.ts";
import { claimApprovals, claims } from "./human-approval/agent.ts";
import { codingAgent } from "./interrupt/agent.ts";
import { reviewDesk } from "./kafka/agent.ts";
import { claimDesk } from "./multi-agent/agent.ts";
import { research } from "./notify-when-ready/agent.ts";
import { orchestrator, planWorker } from "./orchestrator-workers/agent.ts";
import { stockDesk } from "./own-loop/agent.ts";
import { insuranceClaim } from "./parallel-tools/agent.ts";
import { review } from "./parallel-workflow/agent.ts";
import { reportChain } from "./prompt-chain/agent.ts";
import { carefulTranslator, quickTranslator, translators } from "./racing/agent.ts";
import { library } from "./rag/agent.ts";
import { reminders } from "./reminders/agent.ts";
import { creditCheck, fraudCheck, loanDesk } from "./remote-agents/agent.ts";
import { tripDesk } from "./rollback/agent.ts";
import { support } from "./routing/agent.ts";
import { dailyBrief } from "./scheduled/agent.ts";
import { bookingWorkflow, travelDesk } from "./sub-workflow/agent.ts";
import { weather } from "./weather/agent.ts";
import { newsroom } from "./web-search/agent.ts";
import { transcripts } from "./webhooks/agent.ts";

const publicServices = [
  analysis,
  bookingWorkflow,
  budgetApprovals,
  chat,
  claimApprovals,
  claimDesk,
  claims,
  codingAgent,
  dailyBrief,
  docsDesk,
  faq,
  guide,
  helpDesk,
  insuranceClaim,
  library,
  loanDesk,
  newsroom,
  orchestrator,
  refundApprovals,
  refunds,
  reminders,
  reportChain,
  reportShelf,
  research,
  review,
  reviewDesk,
  shipping,
  stockDesk,
  support,
  transcripts,
  translators,
  travelDesk,
  tripDesk,
  tutoring,
  weather,
  writer,
];

export default createEdgeApp({
  services: [
    ...publicServices,
    planWorker,
    modelLimit,
    carefulTranslator,
    quickTranslator,
    creditCheck,
    evaluator,
    fraudCheck,
    reporter,
    reportJobs,
  ],
  publicServices,
});
