import { afterEach, expect, test, vi } from "vitest";
import { shapeOf } from "../../../routes/operations/service-shape.ts";
import { withCompanions } from "../../../src/endpoint/companions.ts";
import {
  agentJobs,
  agentService,
  agentSession,
  approvalObject,
  handlers,
  object,
  rateLimit,
  RestateAgent,
  service,
  workflow,
} from "../../../src/index.ts";
import { publicHandlersOf } from "../../../src/ingress/public-handlers.ts";
import { scriptedModel } from "../../../src/testing/scripted-model.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const plain = service({
  name: "Plain",
  handlers: {
    open: async () => Promise.resolve(),
    closed: handlers.handler({ ingressPrivate: true }, async () => Promise.resolve()),
  },
});
const closed = service({
  name: "Closed",
  handlers: {
    any: async () => Promise.resolve(),
    opened: handlers.handler({ ingressPrivate: false }, async () => Promise.resolve()),
  },
  options: { ingressPrivate: true },
});
const box = object({
  name: "Box",
  handlers: { put: async () => Promise.resolve(), look: handlers.object.shared({}, async () => Promise.resolve()) },
});
const flow = workflow({
  name: "Flow",
  handlers: { run: async () => Promise.resolve(), ask: async () => Promise.resolve() },
});

test("handlers are found with their kind; private ones are not there", async () => {
  const find = await publicHandlersOf([plain, closed, box, flow]);
  expect(find("Plain", "open")).toEqual({ service: "Plain", handler: "open", kind: "service", isWorkflowRun: false });
  expect(find("Box", "look")).toMatchObject({ kind: "object", isWorkflowRun: false });
  expect(find("Flow", "run")).toMatchObject({ kind: "workflow", isWorkflowRun: true });
  expect(find("Flow", "ask")).toMatchObject({ kind: "workflow", isWorkflowRun: false });
  for (const [name, handler] of [
    ["Plain", "closed"],
    ["Plain", "constructor"],
    ["Plain", ""],
    ["plain", "open"],
    ["Closed", "any"],
    ["Closed", "opened"],
    ["Nobody", "open"],
    ["", ""],
  ] as const) {
    expect(find(name, handler)).toBeUndefined();
  }
});

test("what only the service itself may call is private: the next segment of a long run", async () => {
  const agent = new RestateAgent({ id: "long", model: scriptedModel([]) });
  const find = await publicHandlersOf([agentService("Long", agent, { continueAsNew: { steps: 5 } })]);
  expect(find("Long", "run")).toBeDefined();
  expect(find("Long", "continue")).toBeUndefined();
});

test("of what runs, sessions and limits bring along, only what routes and steps need is public", async () => {
  const agent = new RestateAgent({ id: "own", model: scriptedModel([]) });
  const services = withCompanions([
    agentService("Long", agent, { continueAsNew: { steps: 5 } }),
    agentSession("Chat", agent),
    approvalObject("Approvals"),
    rateLimit("Limit", { concurrency: 1 }),
    agentJobs("Jobs"),
  ]);
  const find = await publicHandlersOf(services);
  const shown = services.map((one) => {
    const all = [...shapeOf(one).handlers].toSorted();
    return [one.name, all.filter((handler) => find(one.name, handler) !== undefined)];
  });
  expect(Object.fromEntries(shown)).toEqual({
    Long: ["run"],
    Chat: ["find", "history", "interrupt", "reset", "send", "status", "steer", "turns", "update"],
    Approvals: ["answer", "get", "list"],
    Limit: ["status"],
    Jobs: [],
    "Chat.approvals": ["answer", "get", "list"],
    "Chat.streams": ["append", "block", "end", "read", "remove", "report", "stop"],
    "Chat.inbox": ["take"],
    "Chat.calls": ["settle"],
  });
});

test("nothing is printed, and there may be no service", async () => {
  const warn = vi.spyOn(console, "warn");
  await publicHandlersOf([plain]);
  expect(warn).not.toHaveBeenCalled();
  expect((await publicHandlersOf([]))("Plain", "open")).toBeUndefined();
});
