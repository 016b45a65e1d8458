/** Whose a run is goes with what it asks people, and with the agents that it calls. */
import { tool } from "ai";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type IndexEntry, select } from "../../../src/approvals/approval-index.ts";
import { ownerOf } from "../../../src/approvals/approval-owner.ts";
import {
  agentJobs,
  agentService,
  type Context,
  contextTool,
  RestateAgent,
  startAgent,
  withRestateContext,
} from "../../../src/index.ts";
import { requirePlace } from "../../../src/journal/ambient.ts";
import { CALLER_HEADER } from "../../../src/journal/caller-header.ts";
import { type FakeOptions, runFake, scriptedModel } from "../../../src/testing/in-memory.ts";
import { agentTarget } from "../../../src/subagents/agent-target.ts";
import { callOf } from "../../../src/subagents/call-agent.ts";
import { handlerOf } from "../agent/continue-as-new-chain.ts";

type Handler = (context: Context) => Promise<unknown>;

const HASH = "0123456789abcdef0123456789abcdef";
const inputSchema = z.object({});
const once = (name: string) => scriptedModel([{ toolCalls: [{ id: "c1", name, input: {} }] }, { text: "done" }]);
const helper = agentService("Helper", new RestateAgent({ id: "helper", model: scriptedModel([{ text: "ok" }]) }));

describe("what a run asks", () => {
  const opened = async (fake: FakeOptions, key?: string): Promise<unknown> => {
    const tools = { book: tool({ inputSchema, needsApproval: true, execute: () => "booked" }) };
    const session = key === undefined ? {} : { session: { service: "Chat", key, turn: "t" } };
    const approvals = { object: { name: "Approvals" }, ...session };
    const agent = new RestateAgent({ id: "a", model: once("book"), tools }, { approvals });
    let owner: unknown = "not asked";
    await runFake((context) => withRestateContext(context, async () => agent.generate({ prompt: "go" })), {
      signals: () => ({ state: "approved", approved: true }),
      calls: (_, input) => {
        ({ owner } = input as { readonly owner?: unknown });
        return {};
      },
      ...fake,
    });
    return owner;
  };

  test("is the caller's who began it, or whose conversation it is, and nobody's otherwise", async () => {
    expect(await opened({ headers: { [CALLER_HEADER]: HASH } })).toBe(HASH);
    expect(await opened({}, `${HASH}:main`)).toBe(HASH);
    expect(await opened({}, "main")).toBeUndefined();
    expect(await opened({})).toBeUndefined();
    expect(await opened({ headers: { [CALLER_HEADER]: "alice" } })).toBeUndefined();
  });
});

describe("an agent that a run calls", () => {
  /** What `look` sees inside a tool of a run. */
  const inTool = async (fake: FakeOptions, look: () => unknown, key?: string): Promise<unknown> => {
    let seen: unknown;
    const tools = {
      ask: contextTool({
        inputSchema,
        execute: async () => {
          seen = await look();
          return "ok";
        },
      }),
    };
    const session = key === undefined ? {} : { session: { service: "Chat", key, turn: "t" } };
    const options = { approvals: { object: { name: "Approvals" }, ...session } };
    const agent = new RestateAgent({ id: "a", model: once("ask"), tools }, options);
    await runFake((context) => withRestateContext(context, async () => agent.generate({ prompt: "go" })), fake);
    return seen;
  };
  const headers = (): unknown => callOf(requirePlace("a test"), agentTarget(helper), "Hi", {}).headers;

  test("is told the same, by a call and by a start", async () => {
    const named = { headers: { [CALLER_HEADER]: HASH } };
    expect(await inTool(named, headers)).toMatchObject({ [CALLER_HEADER]: HASH });
    expect(await inTool({}, headers, `${HASH}:main`)).toMatchObject({ [CALLER_HEADER]: HASH });
    expect(await inTool({}, headers)).not.toHaveProperty(CALLER_HEADER);
    expect(await inTool(named, () => ownerOf(requirePlace("a test")))).toBe(HASH);
    expect(await inTool(named, async () => (await startAgent(helper, "Hi")).target)).toBe("Helper/run");
  });
});

describe("what goes on elsewhere is told the same", () => {
  /** The headers of whatever a handler calls and sends, in order. */
  const headersOf = async (headers: Readonly<Record<string, string>>, handler: Handler): Promise<unknown[]> => {
    const seen: unknown[] = [];
    const watched = (context: Context): Context => {
      const genericCall = (call: { readonly headers?: unknown }): unknown => {
        seen.push(call.headers);
        return context.genericCall(call as never);
      };
      const genericSend = (send: { readonly headers?: unknown }): unknown => {
        seen.push(send.headers);
        return context.genericSend(send as never);
      };
      return Object.assign(Object.create(context) as Context, { genericCall, genericSend });
    };
    await runFake((context) => handler(watched(context)), { headers, calls: () => "done" });
    return seen;
  };
  const named = { [CALLER_HEADER]: HASH };

  test("a job that calls back", async () => {
    const jobs = agentJobs("Jobs");
    const start: Handler = (context) =>
      withRestateContext(context, () =>
        startAgent(helper, "Hi", { notify: { through: jobs, service: "Desk", handler: "ready" } }),
      );
    expect(await headersOf(named, start)).toEqual([expect.objectContaining(named)]);
    expect(await headersOf({}, start)).toEqual([{}]);
  });

  test("the next invocation of a long run", async () => {
    const script = [{ toolCalls: [{ id: "c1", name: "look", input: {} }] }, { text: "done" }];
    const tools = { look: tool({ inputSchema, execute: () => "seen" }) };
    const agent = new RestateAgent({ id: "a", model: scriptedModel(script), tools });
    const service = agentService("Long", agent, { continueAsNew: { steps: 1 } });
    const run: Handler = (context) => handlerOf(service, "run")(context, "go");
    expect(await headersOf(named, run)).toEqual([named]);
  });
});

test("an object's list of an owner has the runs and the conversations, and no others'", () => {
  const entries: readonly Pick<IndexEntry, "id" | "owner" | "session">[] = [
    { id: "run", owner: HASH },
    { id: "talk", session: `${HASH}:main` },
    { id: "shared", session: "team", owner: HASH },
    { id: "other", owner: HASH.replace("0", "f") },
    { id: "plain", session: "main" },
  ];
  const whole = entries.map((entry, requestedMs): IndexEntry => {
    return { state: "pending", agent: "a", invocationId: "inv", requestedMs, ...entry };
  });
  const filter = { states: ["pending"], keyPrefix: `${HASH}:`, limit: 10 } as const;
  expect(select(whole, { ...filter, owner: HASH }).map(({ id }) => id)).toEqual(["shared", "talk", "run"]);
  expect(select(whole, filter).map(({ id }) => id)).toEqual(["talk"]);
});
