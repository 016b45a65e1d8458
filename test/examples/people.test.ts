/** People in the loop: conversations, approvals, other systems that call back. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { waitUntil } from "../../src/testing/wait.ts";
import { ExampleStack } from "./example-stack.ts";

let stack: ExampleStack;
beforeAll(async () => {
  stack = await ExampleStack.start({ vars: { REFUND_TIMEOUT_SECONDS: "1" } });
}, 120_000);
afterAll(() => stack.stop());

interface Pending {
  readonly id: string;
  readonly input: unknown;
}

/** The question that waits for an agent. */
async function pendingOf(agent: string): Promise<Pending> {
  let found: Pending | undefined;
  await waitUntil(`Nothing of ${agent} waits for a person`, async () => {
    const { body } = await stack.fetch("GET", `/approvals?agent=${agent}`);
    [found] = (body as { readonly approvals: readonly Pending[] }).approvals;
    return found !== undefined;
  });
  return found ?? { id: "", input: undefined };
}

test("chat: the second turn knows the first one", async () => {
  stack.script = ({ body }, n) => ({
    text: n === 0 ? "Hello Ada." : `You are Ada (${JSON.stringify(body["input"]).length}).`,
  });
  stack.openai.reset();
  await stack.ask("Chat/c1/send", { message: "My name is Ada." });
  await stack.ask("Chat/c1/send", { message: "Who am I?" });
  expect(stack.asked()[1]).toContain("My name is Ada.");
  expect(stack.asked()[1]).toContain("Hello Ada.");
  const { body } = await stack.fetch("GET", "/chat/Chat/c1");
  expect(body).toMatchObject({ turns: 2, messages: [{ role: "user" }, { role: "assistant" }, {}, {}] });
});

test("human approval: a small claim is paid at once", async () => {
  stack.replies({ toolCalls: [{ id: "p1", name: "pay", input: { amount: 20 } }] }, { text: "Paid." });
  expect(await stack.ask("Claims/run", "Reimburse my taxi, 20 EUR")).toBe("Paid.");
});

test("human approval: a large one waits, also while the Worker is dead", async () => {
  stack.replies({ toolCalls: [{ id: "p2", name: "pay", input: { amount: 1_200 } }] }, { text: "Paid 1,200 EUR." });
  const id = await stack.send("Claims/run", "Reimburse my flight, 1,200 EUR");
  const approval = await pendingOf("claims");
  expect(approval.input).toEqual({ amount: 1_200 });
  await stack.worker.kill();
  await stack.worker.start();
  expect((await stack.fetch("POST", `/approvals/${approval.id}`, { approved: true })).status).toBe(200);
  expect((await stack.restate.attach(id)).body).toBe("Paid 1,200 EUR.");
  expect(stack.asked()[1]).toContain("receipt-p2");
});

test("human approval: the model is told why it may not", async () => {
  stack.replies({ toolCalls: [{ id: "p3", name: "pay", input: { amount: 5_000 } }] }, { text: "Refused." });
  const id = await stack.send("Claims/run", "Reimburse my yacht, 5,000 EUR");
  const { id: approval } = await pendingOf("claims");
  await stack.fetch("POST", `/approvals/${approval}`, { approved: false, reason: "No yachts." });
  expect((await stack.restate.attach(id)).body).toBe("Refused.");
  expect(stack.asked()[1]).toContain("No yachts.");
});

test("approval with timeout: nobody answers, nothing is refunded", async () => {
  stack.replies({ toolCalls: [{ id: "r1", name: "refund", input: { order: "17" } }] }, { text: "Nobody agreed." });
  expect(await stack.ask("Refunds/run", "Refund order 17")).toBe("Nobody agreed.");
  expect(stack.asked()[1]).not.toContain("is refunded");
});

test("sub-workflow: the tool waits for the manager", async () => {
  stack.replies(
    { toolCalls: [{ id: "t1", name: "bookTrip", input: { city: "Lisbon", days: 3 } }] },
    { text: "All booked." },
  );
  const id = await stack.send("TravelDesk/run", "Book me a trip to Lisbon");
  await stack.ask(`BookingWorkflow/${await bookingKey()}/decide`, true);
  expect((await stack.restate.attach(id)).body).toBe("All booked.");
  expect(stack.asked()[1]).toContain("hotel in Lisbon, 3 nights");
});

test("webhooks: the run sleeps until the other system calls back", async () => {
  stack.effects.reset();
  stack.replies(
    { toolCalls: [{ id: "x1", name: "transcribe", input: { url: "https://example.com/talk.mp3" } }] },
    { text: "A talk about trains." },
  );
  const id = await stack.send("Transcripts/run", "Transcribe https://example.com/talk.mp3");
  await stack.effects.waitFor((effects) => effects.length > 0, 30_000);
  await stack.restate.resolveAwakeable(stack.effects.effects[0]?.key ?? "", { text: "Trains are fast." });
  expect((await stack.restate.attach(id)).body).toBe("A talk about trains.");
  expect(stack.asked()[1]).toContain("Trains are fast.");
  expect(stack.effects.count("transcribe")).toBe(1);
});

test("hosted MCP: the provider calls when a person has allowed it, also after the Worker has died", async () => {
  stack.effects.reset();
  stack.openai.reset();
  const call = { name: "search", server_label: "docs", arguments: '{"query":"virtual object"}' };
  stack.script = (request) => {
    const input = JSON.stringify(request.body["input"]);
    if (!input.includes("mcp_approval_response"))
      return { items: [{ type: "mcp_approval_request", id: "mcpr_1", ...call }] };
    const made = { type: "mcp_call", id: "mcp_1", status: "completed", approval_request_id: "mcpr_1", ...call };
    return { items: [{ ...made, output: "An object with a key." }], text: "It has a key." };
  };
  const id = await stack.send("DocsDesk/run", "What is a virtual object?");
  await waitUntil("The run does not wait", async () => (await statusOf(id)) === "suspended", { timeoutMs: 30_000 });
  await stack.worker.kill();
  await stack.worker.start();
  await stack.restate.resolveAwakeable(stack.effects.effects[0]?.key ?? "", true);
  expect((await stack.restate.attach(id)).body).toBe("It has a key.");
  expect(stack.openai.count).toBe(2);
  expect(stack.asked()[1]).toContain('"approval_request_id":"mcpr_1","approve":true');
  expect(stack.effects.count("review")).toBe(1);
});

test("reminders: the assistant comes back by itself, in the same conversation", async () => {
  stack.openai.reset();
  stack.script = (request) => {
    const input = JSON.stringify(request.body["input"]);
    if (input.includes("[reminder] tea")) return { text: "Your tea is ready." };
    if (input.includes("function_call_output")) return { text: "I will remind you." };
    return { toolCalls: [{ id: "m1", name: "remind", input: { of: "tea", inMinutes: 0.02 } }] };
  };
  await stack.ask("Reminders/ada/send", { message: "Remind me of my tea" });
  let conversation = "";
  await waitUntil("The reminder does not come", async () => {
    conversation = JSON.stringify((await stack.fetch("GET", "/chat/Reminders/ada")).body);
    return conversation.includes("Your tea is ready.");
  });
  expect(conversation).toContain("I will remind you.");
  expect(stack.asked().at(-1)).toContain("Remind me of my tea");
});

test("notify when ready: who asks before the answer and who asks after it get one mail each", async () => {
  stack.effects.reset();
  stack.replies({ text: "42", delayMs: 300 });
  const id = await stack.send("Research/r1/run", "What is the answer?");
  const early = await stack.send("Research/r1/notify", "early@example.com");
  expect((await stack.restate.attach(id)).body).toBe("42");
  await stack.ask("Research/r1/notify", "late@example.com");
  await stack.restate.attach(early);
  expect(stack.effects.counts()).toEqual(
    new Map([
      ["mail early@example.com", 1],
      ["mail late@example.com", 1],
    ]),
  );
});

test("interrupt and regenerate", async () => {
  stack.openai.reset();
  stack.script = (request) => {
    const input = JSON.stringify(request.body["input"]);
    if (input.includes("In Rust")) return { text: `A parser in Rust, version ${stack.openai.count}.` };
    return { text: Array.from({ length: 400 }, (_, n) => `line ${n} `).join(""), chunkDelayMs: 50 };
  };
  const first = stack.fetch("POST", "/chat/CodingAgent/t1", message("m1", "Write a parser"));
  await waitUntil("The first turn does not stream", async () => {
    const { body } = await stack.fetch("GET", "/chat/CodingAgent/t1");
    return (body as { readonly state: string }).state === "running" && stack.openai.count === 1;
  });
  const second = await stack.fetch("POST", "/chat/CodingAgent/t1", {
    ...message("m2", "In Rust, please"),
    mode: "interrupt",
  });
  expect(second.body).toContain('"version "');
  expect((await first).status).toBe(200);
  await stack.ask("CodingAgent/t1/send", { regenerate: true });
  const { body } = await stack.fetch("GET", "/chat/CodingAgent/t1");
  expect(JSON.stringify(body)).toContain("version 3");
  expect(JSON.stringify(body)).not.toContain("version 2");
});

async function statusOf(id: string): Promise<string | undefined> {
  const [row] = await stack.restate.query<{ status: string }>(`SELECT status FROM sys_invocation WHERE id = '${id}'`);
  return row?.status;
}

function message(id: string, text: string) {
  return { messages: [{ id, role: "user", parts: [{ type: "text", text }] }] };
}

/** The key of the booking that waits for its manager. */
async function bookingKey(): Promise<string> {
  let key: string | undefined;
  await waitUntil("No booking waits", async () => {
    const rows = await stack.restate.query<{ key: string }>(
      "SELECT target_service_key AS key FROM sys_invocation WHERE target_service_name = 'BookingWorkflow' AND status = 'suspended'",
    );
    key = rows[0]?.key;
    return key !== undefined;
  });
  return key ?? "";
}
