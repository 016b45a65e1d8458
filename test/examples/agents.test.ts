/** Agents that call agents. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RecordedRequest, turnOfConversation } from "../../src/testing/scripted-openai.ts";
import { waitUntil } from "../../src/testing/wait.ts";
import { ExampleStack } from "./example-stack.ts";

let stack: ExampleStack;
beforeAll(async () => {
  stack = await ExampleStack.start();
}, 120_000);
afterAll(() => stack.stop());

const asked = (request: RecordedRequest): string => JSON.stringify(request.body["input"]);
const call = (name: string, input: unknown) => ({ id: `call_${name}`, name, input });

/** What runs now, of all invocations. */
async function running(): Promise<number> {
  const rows = await stack.restate.query<{ n: number }>(
    "SELECT count(*) AS n FROM sys_invocation WHERE status <> 'completed'",
  );
  return rows[0]?.n ?? 0;
}

test("multi-agent: two experts in one journal, at the same time", async () => {
  stack.openai.reset();
  stack.script = (request) => {
    const text = asked(request);
    if (text.includes("what our policies cover")) {
      return turnOfConversation(request) === 0
        ? { toolCalls: [call("readPolicy", { kind: "car" })], delayMs: 100 }
        : { text: "Theft is covered." };
    }
    if (text.includes("plausible. Answer")) return { text: "It is plausible.", delayMs: 300 };
    if (turnOfConversation(request) > 0) return { text: "We pay." };
    const prompt = { prompt: "A car, stolen in Lisbon" };
    return { toolCalls: [call("askPolicyExpert", prompt), call("askRiskExpert", prompt)] };
  };
  const id = await stack.send("ClaimDesk/run", "My car was stolen in Lisbon");
  expect((await stack.restate.attach(id)).body).toBe("We pay.");
  expect(new Set(await stack.steps(id))).toEqual(
    new Set([
      "claim-desk model 1",
      "policy-expert model 1",
      "risk-expert model 1",
      "policy-expert tool readPolicy call_readPolicy",
      "policy-expert model 2",
      "claim-desk model 2",
    ]),
  );
  expect(stack.asked().at(-1)).toContain("Theft is covered.");
  expect(stack.asked().at(-1)).toContain("It is plausible.");
});

test("remote agents: two services at the same time; cancelled with their caller", async () => {
  stack.openai.reset();
  const calls = [
    call("checkCredit", { name: "Ada", euros: 10_000 }),
    call("checkFraud", { prompt: "Ada, 10,000 euros" }),
  ];
  stack.script = (request) => {
    const text = asked(request);
    if (text.includes("You judge credit"))
      return { text: text.includes("pay back 10000") ? "She can." : "?", delayMs: 300 };
    if (text.includes("You look for fraud")) return { text: "No fraud.", delayMs: 300 };
    return turnOfConversation(request) === 0 ? { toolCalls: calls } : { text: "Granted." };
  };
  expect(await stack.ask("LoanDesk/run", "Ada asks for 10,000 euros")).toBe("Granted.");
  expect(stack.asked().at(-1)).toContain("She can.");
  const [, credit, fraud] = stack.openai.requests;
  expect(fraud?.startedAt).toBeLessThan(credit?.finishedAt ?? 0);

  const { script } = stack;
  stack.openai.reset();
  stack.script = (request, n) =>
    /You judge credit|You look for fraud/.test(asked(request)) ? { text: "late", delayMs: 2_000 } : script(request, n);
  const id = await stack.send("LoanDesk/run", "Ada asks again");
  await stack.openai.waitFor(3);
  await stack.restate.cancel(id);
  expect((await stack.restate.attach(id)).status).toBe(409);
  await waitUntil("A called agent goes on", async () => (await running()) === 0, { timeoutMs: 30_000 });
});

test("racing: the first answer wins, and the other agent is cancelled", async () => {
  stack.openai.reset();
  stack.script = (request) =>
    asked(request).includes("quickly")
      ? { text: "Good morning", delayMs: 50 }
      : { text: "A good morning to you", delayMs: 2_000 };
  const id = await stack.send("Translators/run", "Guten Morgen");
  expect((await stack.restate.attach(id)).body).toEqual({ winner: "quick", answer: "Good morning" });
  // Restate sends the cancellation as a signal. What runs hears of it when its model call has ended.
  const commands = (await stack.restate.journal(id)).map(({ entry_type }) => entry_type);
  expect(commands.filter((type) => type === "Command: Call")).toHaveLength(2);
  expect(commands).toContain("Command: SendSignal");
  await waitUntil("The loser goes on", async () => (await running()) === 0, { timeoutMs: 30_000 });
});

test("handoff: the refund clerk goes on with the conversation, and has it in the next turn", async () => {
  stack.openai.reset();
  stack.script = (request) => {
    const text = asked(request);
    if (text.includes("You are the reception")) return { toolCalls: [call("transfer_to_refunds", {})] };
    if (text.includes("Thank you")) return { text: "You are welcome, says the clerk." };
    return turnOfConversation(request) === 1
      ? { toolCalls: [call("payBack", { order: "o1" })] }
      : { text: "o1 was paid back." };
  };
  const first = (await stack.ask("HelpDesk/h1/send", "I want my money for o1 back")) as { readonly text: string };
  expect(first.text).toBe("o1 was paid back.");
  expect(stack.openai.count).toBe(3);
  const second = (await stack.ask("HelpDesk/h1/send", "Thank you")) as { readonly text: string };
  expect(second.text).toBe("You are welcome, says the clerk.");
  expect(stack.asked().at(-1)).toContain("You are the refund clerk");
  expect(stack.openai.count).toBe(4);
});

test("background: the order is taken at once, the report comes, or the news that it does not", async () => {
  stack.openai.reset();
  stack.script = () => ({ text: "Tea is old.", delayMs: 500 });
  expect(await stack.ask("ReportShelf/s1/order", "tea")).toBe("You will have a report about tea.");
  expect(await stack.ask("ReportShelf/s1/read")).toBeNull();
  const read = () => stack.ask("ReportShelf/s1/read");
  await waitUntil("No report comes", async () => (await read()) === "Tea is old.", { timeoutMs: 30_000 });

  stack.script = () => ({ text: "never", delayMs: 1_500 });
  await stack.ask("ReportShelf/s2/order", "coffee");
  await stack.openai.waitFor(2);
  await stack.ask("ReportShelf/s2/stop");
  const stopped = async () => String(await stack.ask("ReportShelf/s2/read"));
  await waitUntil("Nobody says that there is none", async () => (await stopped()).startsWith("No report:"), {
    timeoutMs: 30_000,
  });
});
