/** Several models and services. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { waitUntil } from "../../src/testing/wait.ts";
import type { RecordedRequest } from "../../src/testing/scripted-openai.ts";
import { ExampleStack } from "./example-stack.ts";

let stack: ExampleStack;
beforeAll(async () => {
  stack = await ExampleStack.start();
}, 120_000);
afterAll(() => stack.stop());

const asked = (request: RecordedRequest): string => JSON.stringify(request.body["input"]);

test("prompt chain: each prompt works on the last answer", async () => {
  stack.openai.reset();
  stack.script = (request) => {
    if (asked(request).includes("Extract the figures")) return { text: "3: apples" };
    if (asked(request).includes("Sort these lines")) return { text: "3: apples, sorted" };
    return { text: "| 3 | apples |" };
  };
  const id = await stack.send("ReportChain/run", "We have 3 apples.");
  expect((await stack.restate.attach(id)).body).toBe("| 3 | apples |");
  expect(stack.asked()[2]).toContain("3: apples, sorted");
  expect(await stack.steps(id)).toEqual(["report model 1", "report model 2", "report model 3"]);
});

test("prompt chain: a Worker that dies in the third prompt does not pay for the first two again", async () => {
  stack.openai.reset();
  stack.script = (_, n) => (n === 2 ? { hang: true } : { text: `answer ${n}` });
  const id = await stack.send("ReportChain/run", "We have 4 apples.");
  await stack.openai.waitFor(3);
  await stack.worker.kill();
  await stack.worker.start();
  expect((await stack.restate.attach(id)).body).toBe("answer 3");
  expect(stack.openai.count).toBe(4);
});

test("parallel workflow: three views overlap, one answer", async () => {
  stack.openai.reset();
  stack.script = (request) =>
    asked(request).includes("Sum up") ? { text: "Do it." } : { text: "Good.", delayMs: 300 };
  expect(await stack.ask("Review/run", "Shall we move to four-day weeks?")).toBe("Do it.");
  const [first, second, third] = stack.openai.requests;
  const lastStart = Math.max(...[first, second, third].map((request) => request?.startedAt ?? 0));
  expect(lastStart).toBeLessThan(first?.finishedAt ?? 0);
  expect(stack.asked()[3]).toContain("a lawyer: Good.");
});

test("orchestrator and workers: as many as the plan says", async () => {
  stack.openai.reset();
  stack.script = (request) => {
    const text = asked(request);
    if (text.includes("Split this")) return { text: JSON.stringify({ tasks: ["food", "music", "invitations"] }) };
    if (text.includes("Put these results")) return { text: "The plan." };
    return { text: `Done: ${/food|music|invitations/.exec(text)?.[0]}` };
  };
  expect(await stack.ask("Orchestrator/run", "Plan a summer party")).toBe("The plan.");
  expect(stack.asked().at(-1)).toContain("Done: food\\nDone: music\\nDone: invitations");
  expect(stack.openai.count).toBe(5);
});

test("evaluator and optimizer: until the judge is content", async () => {
  stack.openai.reset();
  stack.script = (_, n) => {
    if (n % 2 === 0) return { text: `slogan ${n / 2 + 1}` };
    return { text: JSON.stringify({ good: n >= 5, advice: "shorter" }) };
  };
  expect(await stack.ask("Writer/run", "A slogan for a slow train")).toEqual({
    text: "slogan 3",
    rounds: 3,
    good: true,
  });
  expect(stack.asked()[4]).toContain("Make it better: shorter");
});

test("evaluator and optimizer: five rounds, and not one more", async () => {
  stack.openai.reset();
  stack.script = (_, n) => ({ text: n % 2 === 0 ? "slogan" : JSON.stringify({ good: false, advice: "no" }) });
  expect(await stack.ask("Writer/run", "A slogan")).toEqual({ text: "slogan", rounds: 5, good: false });
  expect(stack.openai.count).toBe(10);
});

test("evaluation: the answer is out before its verdict, and each run has one", async () => {
  stack.openai.reset();
  stack.effects.reset();
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  stack.script = async (request) => {
    if (!asked(request).includes("Score this answer")) return { text: "Within 30 days." };
    await released;
    return { text: JSON.stringify({ score: 0.9, reason: "Right." }) };
  };
  const id = await stack.send("Faq/run", "May I return a lamp?");
  expect((await stack.restate.attach(id)).body).toBe("Within 30 days.");
  expect(stack.effects.counts()).toEqual(new Map());
  release();
  await stack.effects.waitFor((effects) => effects.length > 0, 30_000);
  expect(stack.effects.counts()).toEqual(new Map([[`score ${id}`, 1]]));
  expect(stack.asked().at(-1)).toContain("Question: May I return a lamp?\\nAnswer: Within 30 days.");
});

test("own loop: a Worker that dies in the second round asks for nothing again that was answered", async () => {
  stack.openai.reset();
  const calls = ["lamp", "desk"].map((article) => ({ id: `call_${article}`, name: "countStock", input: { article } }));
  stack.script = (request, n) => {
    if (!asked(request).includes("function_call_output")) return { toolCalls: calls };
    return n === 1 ? { hang: true } : { text: "Four of each." };
  };
  const id = await stack.send("StockDesk/run", "How many lamps and desks are there?");
  await stack.openai.waitFor(2);
  await stack.worker.kill();
  await stack.worker.start();
  expect((await stack.restate.attach(id)).body).toBe("Four of each.");
  expect(await stack.steps(id)).toEqual([
    "stock-desk model 1",
    "countStock call_lamp",
    "countStock call_desk",
    "stock-desk model 2",
  ]);
  expect(stack.openai.count).toBe(3);
});

test("routing: the specialist answers, with its own tools", async () => {
  stack.openai.reset();
  stack.script = (request) => {
    const text = asked(request);
    if (text.includes("Who should answer")) return { text: JSON.stringify({ result: "billing" }) };
    if (text.includes("function_call_output")) return { text: "You were charged twice. We refund it." };
    return { toolCalls: [{ id: "i1", name: "lastInvoice", input: {} }] };
  };
  const id = await stack.send("Support/run", "I was charged twice");
  expect((await stack.restate.attach(id)).body).toEqual({
    by: "billing",
    text: "You were charged twice. We refund it.",
  });
  expect(await stack.steps(id)).toEqual([
    "router model 1",
    "billing model 1",
    "billing tool lastInvoice i1",
    "billing model 2",
  ]);
});

test("scheduled: each run sends the next one, until it is stopped", async () => {
  stack.openai.reset();
  stack.script = (_, n) => ({ text: `brief ${n + 1}` });
  await stack.ask("DailyBrief/berlin/start", { everyMs: 300 });
  const briefs = async () => (await stack.ask("DailyBrief/berlin/last")) as { readonly count: number };
  await waitUntil("The schedule does not run", async () => (await briefs()).count >= 3, { timeoutMs: 30_000 });
  await stack.ask("DailyBrief/berlin/stop");
  const pending = async () => {
    const [row] = await stack.restate.query<{ n: number }>(
      "SELECT count(*) AS n FROM sys_invocation WHERE target LIKE 'DailyBrief/berlin/tick' AND status <> 'completed'",
    );
    return row?.n;
  };
  await waitUntil("The last tick does not end", async () => (await pending()) === 0, { timeoutMs: 30_000 });
  expect(stack.openai.count).toBe((await briefs()).count);
});

test("scheduled: what cannot be a schedule is refused", async () => {
  const { status, body } = await stack.fetch("POST", "/agents/DailyBrief/berlin/start", { everyMs: 1 });
  expect(status).toBe(400);
  expect(body).toMatchObject({ code: "invocation-failed" });
});

test("scheduled: one run later", async () => {
  stack.replies({ text: "a late brief" });
  const { status } = await stack.fetch("POST", "/agents/DailyBrief/paris/write?delay=1s", undefined);
  expect(status).toBe(202);
  await waitUntil("The delayed run does not come", async () => {
    return ((await stack.ask("DailyBrief/paris/last")) as { readonly count: number }).count === 1;
  });
});
