/**
 * What every reader of a turn has in the end is what the history and the journal have: whatever dies, and whenever, and
 * wherever their connections break.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { UIMessage } from "ai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { IngressClient } from "../../src/ingress/ingress-client.ts";
import { type RecordedRequest, type ScriptedReply, turnOfConversation } from "../../src/testing/scripted-openai.ts";
import { plain } from "../unit/routes/chat/fold.ts";
import { ChatStack, textOf } from "../e2e/chat-stack.ts";
import { seedOf, shareOf } from "../thorough.ts";
import { latecomer, type Reading, sender, wanderer } from "./chat-readers.ts";

const RUN_MS = 1_600;
const TRIAL_TIMEOUT_MS = 90_000;
/** A run of the tests does each twentieth trial. */
const NTH = 20;

type Victim = "worker" | "restate" | "store" | "reader";

/** Kill points: 90 of the Worker, 50 of restate-server, 40 turns with a store that fails, 40 with readers that break off. */
const TRIALS: readonly (readonly [victim: Victim, n: number])[] = (
  [
    ["worker", 90],
    ["restate", 50],
    ["store", 40],
    ["reader", 40],
  ] as const
).flatMap(([victim, count]) => Array.from({ length: count }, (_, n) => [victim, n] as const));

let stack: ChatStack;
/** Trials, and those in which the victim died while the turn ran. */
const deaths = { all: 0, inTurn: 0 };

beforeAll(async () => {
  stack = await ChatStack.start("workerd");
  stack.script = script;
  stack.effectMs = 30;
}, 120_000);
afterAll(() => stack.stop());

const WORDS = "so then we walk along the river and look at all the boats that pass by".split(" ");

/**
 * Three answers: with two tools at once, with one that waits for a person, with none. What is said follows from the
 * conversation.
 */
function script(request: RecordedRequest): ScriptedReply {
  const run = /run (\w+)/.exec(JSON.stringify(request.body["input"]))?.[1] ?? "";
  const n = turnOfConversation(request);
  const call = (id: string, name = "look") => ({ id: `call_${run}_${id}`, name, input: { id: `${run}-${id}` } });
  const text = `${n}: ${WORDS.join(` ${n} `)}.`;
  const reply = { text, chunkDelayMs: 12 };
  if (n === 0) return { ...reply, reasoning: "What to do?", toolCalls: [call("a"), call("b")] };
  return n === 1 ? { ...reply, toolCalls: [call("c", "book")] } : reply;
}

test.each(shareOf(TRIALS, NTH, "chat streams"))(
  "all readers have what the history has: %s, trial %i",
  async (victim, n) => {
    const random = (what: string, max: number): number => seedOf(`${victim} ${n} ${what}`) % max;
    const session = stack.newSession();
    const run = `${victim}${n}${session}`;
    const reading: Reading = {
      agent: victim === "store" ? "Flaky" : "Chat",
      session,
      turn: `turn-${run}`,
      text: `Please run ${run}`,
    };
    const breaks = victim === "reader";
    const cuts = (who: string): number[] =>
      breaks ? [0, 1, 2].map((index) => 200 + random(`${who} ${index}`, 3_000)) : [];
    const stays = breaks ? [0, 1, 2, 3].map((index) => 1 + random(`stay ${index}`, 25)) : [];
    const readers = [
      sender(stack, reading, cuts("sender")),
      latecomer(stack, reading, 200 + random("late", RUN_MS), cuts("latecomer")),
      wanderer(stack, reading, stays),
    ];
    let isOver = false;
    void readers[0]?.finally(() => (isOver = true)).catch(() => undefined);
    await delay(random("moment", RUN_MS));
    if (victim === "worker" || victim === "restate") {
      deaths.all += 1;
      deaths.inTurn += isOver ? 0 : 1;
    }
    await trouble(victim);
    const person = approver(reading);
    const messages = await Promise.all(readers);
    person.abort();
    await stack.isIdle(session, reading.agent);
    const answer = await journaled(reading);
    const history = await stack.messages(session, reading.agent);
    expect(textOf(answer).split("|")).toHaveLength(3);
    expect(plain(history.at(-1))).toEqual(plain(answer));
    for (const [index, message] of messages.entries()) {
      // Who came when it was over has nothing to follow.
      if (message === undefined && index === 1) continue;
      expect(plain(message), `reader ${index}`).toEqual(plain(answer));
    }
    const effects = [
      ["look", "a"],
      ["look", "b"],
      ["book", "c"],
    ] as const;
    const counts = effects.map(([name, id]) => stack.effects.count(name, `${run}-${id}`));
    expect(Math.min(...counts)).toBe(1);
    expect(Math.max(...counts)).toBeLessThanOrEqual(victim === "worker" || victim === "restate" ? 2 : 1);
  },
  TRIAL_TIMEOUT_MS,
);

test("the deaths came while the turns ran", () => {
  console.log(`Of ${deaths.all} deaths, ${deaths.inTurn} came while the turn ran`);
  expect(deaths.inTurn).toBeGreaterThan(deaths.all / 2);
});

async function trouble(victim: Victim): Promise<void> {
  if (victim === "worker") {
    await stack.endpoint.kill();
    await stack.endpoint.start();
  }
  if (victim === "restate") await stack.restate.restart();
}

/** A person who says yes to everything, and tries again when nobody is there. */
function approver({ agent, session }: Reading): AbortController {
  const done = new AbortController();
  const chats = stack.chats(agent);
  const look = async (): Promise<void> => {
    for (const { id } of await chats.approvals(session)) await chats.answer(id, { approved: true });
  };
  const work = async (): Promise<void> => {
    while (!done.signal.aborted) {
      await look().catch(() => undefined);
      await delay(50);
    }
  };
  void work();
  return done;
}

/** What the invocation returned: the journal's last word. */
async function journaled({ agent: service, session: key, turn }: Reading): Promise<UIMessage> {
  const ingress = new IngressClient({ url: stack.restate.ingressUrl });
  const id = await ingress.lookup({ service, key, handler: "send" }, turn);
  const result = await ingress.attach(id, 30_000);
  if (result?.kind !== "success") throw new Error(`The turn has no answer: ${JSON.stringify(result)}`);
  return (JSON.parse(new TextDecoder().decode(result.bytes)) as { readonly message: UIMessage }).message;
}
