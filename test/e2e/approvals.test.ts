import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { waitUntil } from "../../src/testing/wait.ts";
import { ApprovalsStack, call } from "./approvals-stack.ts";
import { runtimesFor } from "./lab-stack.ts";

describe.each(runtimesFor("approvals"))("approvals on %s", (runtime) => {
  let stack: ApprovalsStack;
  beforeAll(async () => {
    stack = await ApprovalsStack.start(runtime);
  }, 60_000);
  afterAll(() => stack.stop());
  beforeEach(() => stack.reset());

  const one = async (service: string) => {
    const { run, approvals } = await stack.ask(service);
    const [approval] = approvals;
    if (approval === undefined) throw new Error("Nothing was asked");
    return { run, approval, id: approval.id };
  };
  const endOf = async (run: string) => (await stack.restate.attach(run, 30_000)).body;

  test("a tool runs when it was approved, once", async () => {
    stack.calls(call("book", "a"));
    const { run, approval, id } = await one("Desk");
    expect(approval).toMatchObject({
      kind: "approval",
      state: "pending",
      agent: "desk",
      tool: "book",
      toolCallId: "call_a",
      input: { id: "a" },
    });
    expect(stack.effects.count("book")).toBe(0);
    expect((await stack.answer(id, true)).status).toBe(200);
    expect(await endOf(run)).toBe("done");
    expect(stack.effects.count("book")).toBe(1);
    expect(await stack.steps(run)).toEqual([
      "desk model 1",
      "desk approval book call_a",
      "desk tool book call_a",
      "desk model 2",
    ]);
    expect(await stack.get(id)).toMatchObject({ state: "approved", approved: true });
  });

  test("the model is told why a person denied", async () => {
    stack.calls(call("book", "b"), call("look", "b2"));
    const { run, id } = await one("Quiet");
    await waitUntil("The tool that needs nobody did not run", () => stack.effects.count("look") === 1);
    expect((await stack.answer(id, false, "far too expensive")).status).toBe(200);
    expect(await endOf(run)).toBe("done");
    expect(stack.effects.count("book")).toBe(0);
    expect(stack.toldOf("call_b")).toBe("far too expensive");
    expect(await stack.get(id)).toMatchObject({ state: "denied", approved: false, answer: "far too expensive" });
  });

  test("a function that says who needs a person is asked once, in a step", async () => {
    stack.calls(call("pay", "cheap", { euros: 5 }), call("pay", "dear", { euros: 500 }));
    const { run, id, approval } = await one("Quiet");
    expect(approval.toolCallId).toBe("call_dear");
    await stack.answer(id, true);
    expect(await endOf(run)).toBe("done");
    expect(stack.effects.counts()).toEqual(
      new Map([
        ["judged cheap", 1],
        ["judged dear", 1],
        ["pay cheap", 1],
        ["pay dear", 1],
      ]),
    );
    expect(await stack.steps(run)).toContain("quiet policy pay call_dear");
  });

  test("a tool with several steps, and an agent in a tool, ask as well", async () => {
    stack.script = (request) => {
      const text = JSON.stringify(request.body["input"]);
      const isAnswered = text.includes("function_call_output");
      if (text.includes("You are inner."))
        return isAnswered ? { text: "inner done" } : { toolCalls: [call("book", "i")] };
      return isAnswered ? { text: "done" } : { toolCalls: [call("delegate", "d"), call("hold", "h")] };
    };
    const { run, approvals } = await stack.ask("Quiet", 2);
    expect(approvals.map(({ agent, tool }) => `${agent} ${tool}`).toSorted()).toEqual(["inner book", "quiet hold"]);
    for (const { id } of approvals) await stack.answer(id, true);
    expect(await endOf(run)).toBe("done");
    expect(stack.effects.counts()).toEqual(
      new Map([
        ["book i", 1],
        ["hold h", 1],
        ["confirm h", 1],
      ]),
    );
    expect(stack.toldOf("call_d")).toBe("inner done");
  });

  test("a question is answered with a text, or not", async () => {
    stack.calls(call("askUser", "city"), call("askUser", "day"));
    const { run, approvals } = await stack.ask("Quiet", 2);
    const [city, day] = ["call_city", "call_day"].map((id) => approvals.find(({ toolCallId }) => toolCallId === id));
    expect(city).toMatchObject({ kind: "question", reason: "Which city?", tool: "askUser" });
    await stack.answer(day?.id ?? "", false, "I will not say");
    await stack.answer(city?.id ?? "", true, "Oslo");
    expect(await endOf(run)).toBe("done");
    expect(stack.toldOf("call_city")).toBe("Oslo");
    expect(stack.toldOf("call_day")).toBe("The user does not answer this question. I will not say");
  });

  test.each([
    ["Hasty", 0, false, "Nobody answered in time"],
    ["Trusting", 1, true, "book"],
  ])("nobody answers %s in time", async (service, effects, approved, told) => {
    stack.calls(call("book", "late"));
    const { run, approval, id } = await one(service);
    expect(Date.parse(approval.expiresAt ?? "") - Date.parse(approval.requestedAt)).toBe(1_500);
    expect(await endOf(run)).toBe("done");
    expect(stack.effects.count("book")).toBe(effects);
    expect(stack.toldOf("call_late")).toContain(told);
    expect(await stack.get(id)).toMatchObject({ state: "expired", approved });
    const late = await stack.answer(id, !approved);
    expect(late).toMatchObject({
      status: 409,
      body: { code: "approval-answered", approval: { state: "expired", approved } },
    });
  });

  test("of two people who answer at once one is recorded, and the run does what that one said", async () => {
    for (let n = 0; n < 8; n++) {
      stack.reset();
      stack.calls(call("book", `two${n}`));
      const { run, id } = await one("Quiet");
      const answers = await Promise.all([stack.answer(id, true, "yes"), stack.answer(id, false, "no")]);
      expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409]);
      const [yes, no] = answers;
      const isApproved = yes?.status === 200;
      const loser = isApproved ? no : yes;
      expect(loser?.body).toMatchObject({ code: "approval-answered", approval: { approved: isApproved } });
      expect(await endOf(run)).toBe("done");
      expect(stack.effects.count("book")).toBe(isApproved ? 1 : 0);
    }
  });

  test("an answer that races the time limit: the run does what is recorded", async () => {
    const ids = Array.from({ length: 12 }, (_, n) => `race${n}`);
    stack.calls(...ids.map((id) => call("book", id)));
    const { run, approvals } = await stack.ask("Racing", ids.length);
    const answers = approvals.map(async ({ id, expiresAt = "" }, n) => {
      const wait = Date.parse(expiresAt) - Date.now() - 20 + n * 150;
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, wait)));
      return (await stack.answer(id, true)).status;
    });
    const statuses = await Promise.all(answers);
    expect(await endOf(run)).toBe("done");
    const held = await Promise.all(approvals.map(({ id }) => stack.get(id)));
    for (const [n, { toolCallId, state, approved }] of held.entries()) {
      expect(state).toBe(statuses[n] === 200 ? "approved" : "expired");
      expect(stack.effects.count("book", toolCallId.replace("call_", ""))).toBe(approved === true ? 1 : 0);
    }
    console.log(
      `${runtime}: ${statuses.filter((status) => status === 200).length} of ${ids.length} answers were in time`,
    );
  });

  test("100 pending ones are answered in any order, each on its own", async () => {
    const runs = Array.from({ length: 10 }, (_, n) => n);
    stack.script = (request) => {
      const n = /"run (\d+)"/.exec(JSON.stringify(request.body["input"]))?.[1] ?? "";
      const calls = Array.from({ length: 10 }, (_, k) => call("book", `${n}-${k}`));
      return JSON.stringify(request.body).includes("function_call_output")
        ? { text: `done ${n}` }
        : { toolCalls: calls };
    };
    const started = performance.now();
    const ids = await Promise.all(runs.map((n) => stack.restate.send("Quiet/run", `run ${n}`)));
    const isThere = async (): Promise<boolean> => (await stack.list()).length === 100;
    await waitUntil("There are not 100 questions", isThere, { timeoutMs: 60_000, everyMs: 500 });
    const openedMs = performance.now() - started;
    const pending = await stack.list();
    expect(pending.length).toBe(100);
    const times = pending.map(({ requestedAt }) => requestedAt);
    expect(times).toEqual(times.toSorted().toReversed());
    const shuffled = pending.map((approval, n) => ({ approval, at: (n * 37) % 100 })).toSorted((a, b) => a.at - b.at);
    const answerings = performance.now();
    for (let n = 0; n < 100; n += 10) {
      const batch = shuffled.slice(n, n + 10);
      const said = await Promise.all(batch.map(({ approval: { id }, at }) => stack.answer(id, at % 3 !== 0, "no")));
      expect(said.map(({ status }) => status)).toEqual(batch.map(() => 200));
    }
    const answeredMs = performance.now() - answerings;
    expect(await Promise.all(ids.map(endOf))).toEqual(runs.map((n) => `done ${n}`));
    const approved = shuffled
      .filter(({ at }) => at % 3 !== 0)
      .map(({ approval }) => approval.toolCallId.replace("call_", ""));
    expect(new Map(stack.effects.counts())).toEqual(new Map(approved.toSorted().map((id) => [`book ${id}`, 1])));
    expect((await stack.list()).length).toBe(0);
    console.log(`${runtime}: 100 opened in ${Math.round(openedMs)} ms, answered in ${Math.round(answeredMs)} ms`);
  });

  test("who cancels a run closes its question", async () => {
    stack.calls(call("book", "c"), call("askUser", "c2"));
    const { run, approvals } = await stack.ask("Quiet", 2);
    await stack.restate.cancel(run);
    expect((await stack.restate.attach(run, 15_000)).status).toBe(409);
    for (const { id } of approvals) {
      await waitUntil("The question is not closed", async () => (await stack.get(id)).state === "cancelled");
      const late = await stack.answer(id, true);
      expect(late).toMatchObject({
        status: 409,
        body: { code: "approval-answered", approval: { state: "cancelled" } },
      });
    }
    expect(stack.effects.count("book")).toBe(0);
  });

  test("who kills a run closes its question", async () => {
    stack.calls(call("book", "k"));
    const { run, id } = await one("Quiet");
    const answer = await fetch(`${stack.restate.adminUrl}/invocations/${run}/kill`, {
      method: "PATCH",
      headers: stack.restate.headers,
    });
    expect(answer.status).toBe(200);
    await waitUntil("The question is not closed", async () => (await stack.get(id)).state === "cancelled");
    expect(await stack.answer(id, true)).toMatchObject({ status: 409, body: { approval: { state: "cancelled" } } });
    expect(stack.effects.count("book")).toBe(0);
  });

  test("the app and Restate are restarted while it waits: then the tool runs once", async () => {
    stack.calls(call("book", "r"), call("hold", "r2"));
    const { run, approvals } = await stack.ask("Desk", 2);
    await waitUntil("Nobody was notified", () => stack.effects.count("notify") === 2);
    await stack.endpoint.kill();
    await stack.restate.kill();
    await stack.restate.start();
    await stack.endpoint.start();
    expect((await stack.list()).map(({ id }) => id).toSorted()).toEqual(approvals.map(({ id }) => id).toSorted());
    for (const { id } of approvals) expect((await stack.answer(id, true)).status).toBe(200);
    expect(await endOf(run)).toBe("done");
    expect(["book", "hold", "confirm"].map((name) => stack.effects.count(name))).toEqual([1, 1, 1]);
  });

  describe("the app dies", () => {
    test("each time that it tells of a question, and when the answer comes", async () => {
      stack.calls(call("book", "x"), call("book", "y"));
      let deaths = 0;
      let restarts: Promise<void> = Promise.resolve();
      const die = (): void => {
        deaths += 1;
        restarts = restarts.then(async () => {
          await stack.endpoint.kill();
          await stack.endpoint.start();
        });
      };
      stack.onEffect = (name) => {
        if (name === "notify" && deaths < 2) die();
      };
      const { run, approvals } = await stack.ask("Desk", 2);
      await waitUntil("It was not told of both questions", () => deaths === 2);
      await restarts;
      for (const { id } of approvals) {
        expect(await stack.get(id)).toMatchObject({ state: "pending" });
        expect((await stack.answer(id, true)).status).toBe(200);
        die();
        await restarts;
      }
      expect(await endOf(run)).toBe("done");
      const asked = (await stack.list("&state=decided")).filter(({ invocationId }) => invocationId === run);
      expect(asked.length).toBe(2);
      // The step that was in flight when it died is repeated; none of the others.
      expect(stack.effects.count("book", "x") + stack.effects.count("book", "y")).toBeLessThanOrEqual(4);
      expect(Math.min(stack.effects.count("book", "x"), stack.effects.count("book", "y"))).toBe(1);
      expect(stack.openai.requests.length).toBe(2);
    });
  });

  describe("answers that are not to be", () => {
    const unknown = `apr_0aaaaaa_${"0".repeat(32)}`;

    test("to what nobody asked", async () => {
      expect(await stack.answer(unknown, true)).toMatchObject({ status: 404, body: { code: "approval-not-found" } });
      expect(await stack.request(`/approvals/${unknown}`)).toMatchObject({ status: 404 });
      for (const id of ["x", "apr_9aaaaaa_0", `${unknown}0`, "%00"]) {
        expect(await stack.answer(id, true)).toMatchObject({ status: 400, body: { code: "invalid-request" } });
      }
    });

    test("without a key, with an input of their own, or that are none", async () => {
      stack.calls(call("book", "forged"));
      const { run, id } = await one("Quiet");
      const post = (body: unknown, headers: Record<string, string> = {}) =>
        stack.request(`/approvals/${id}`, { method: "POST", body: JSON.stringify(body), headers });
      expect(await post({ approved: true }, { authorization: "Bearer another-key-of-nobody" })).toMatchObject({
        status: 401,
      });
      expect(await post({ approved: true, input: { id: "other" } })).toMatchObject({ status: 400 });
      expect(await post({ approved: "yes" })).toMatchObject({ status: 400 });
      expect(await post({ approved: true, reason: "x".repeat(8_001) })).toMatchObject({ status: 400 });
      expect(await post({ approved: true, reason: "x".repeat(70_000) })).toMatchObject({ status: 413 });
      expect(await stack.get(id)).toMatchObject({ state: "pending", input: { id: "forged" } });
      await post({ approved: true });
      expect(await endOf(run)).toBe("done");
      expect(stack.effects.count("book", "forged")).toBe(1);
      expect(stack.effects.count("book")).toBe(1);
    });
  });

  describe("a signed link", () => {
    const linkOf = async (toolCallId: string): Promise<string> => {
      const find = () =>
        stack.effects.effects.find(({ name, key }) => name === "notify" && key.startsWith(`${toolCallId} `));
      await waitUntil("Nobody was told", () => find() !== undefined);
      return (find()?.key.split(" ")[1] ?? "").replace("http://app.test", "");
    };
    const anonymous = (path: string, init: RequestInit = {}) =>
      fetch(stack.endpoint.url + path, { ...init, redirect: "manual" });
    const form = (fields: Record<string, string>): RequestInit => ({
      method: "POST",
      body: new URLSearchParams(fields),
    });

    test("shows a page, and answers when its button is pressed", async () => {
      stack.calls(call("book", "link"));
      const { run, id } = await one("Desk");
      const link = await linkOf("call_link");
      for (let n = 0; n < 3; n++) {
        const page = await anonymous(link);
        expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
        expect(page.headers.get("content-security-policy")).toMatch(
          /^default-src 'none'; style-src 'nonce-[\w-]+'; form-action 'self'/,
        );
        const text = await page.text();
        expect(text).toContain("May “book” run?");
        expect(text).not.toContain("<script");
      }
      expect((await anonymous(link, { method: "HEAD" })).status).toBe(200);
      expect((await anonymous(link, form({ decision: "maybe" }))).status).toBe(400);
      expect((await stack.get(id)).state).toBe("pending");
      const thanks = await anonymous(link, form({ decision: "approve", reason: " fine <b> " }));
      expect(thanks.status).toBe(200);
      expect(await thanks.text()).toContain("fine &lt;b&gt;");
      expect(await endOf(run)).toBe("done");
      expect(await stack.get(id)).toMatchObject({
        state: "approved",
        answeredBy: "ada@example.com",
        answer: "fine <b>",
      });
      expect((await anonymous(link, form({ decision: "deny" }))).status).toBe(409);
      expect(stack.effects.count("book")).toBe(1);
    });

    test("that was tampered with does nothing", async () => {
      stack.calls(call("book", "l1"), call("book", "l2"));
      const { run, approvals } = await stack.ask("Desk", 2);
      const [one_, two] = [await linkOf("call_l1"), await linkOf("call_l2")];
      const idOf = (path: string): string => path.split("/")[2] ?? "";
      const token = one_.split("token=")[1] ?? "";
      const [payload = "", signature = ""] = token.split(".");
      const forged = [
        one_.replace(idOf(one_), idOf(two)),
        `${one_.split("?")[0] ?? ""}?token=${payload}.${signature.replace(/^./, (c) => (c === "A" ? "B" : "A"))}`,
        `${one_.split("?")[0] ?? ""}?token=${payload.slice(0, -1)}.${signature}`,
        `${one_.split("?")[0] ?? ""}?token=x`,
      ];
      for (const path of forged) {
        const answer = await anonymous(path, form({ decision: "approve" }));
        expect([answer.status, (await answer.json()) as unknown]).toMatchObject([
          403,
          { code: "approval-link-invalid" },
        ]);
        expect((await anonymous(path)).status).toBe(403);
      }
      const readable = await anonymous(forged[0] ?? "", { headers: { accept: "text/html" } });
      expect([readable.status, readable.headers.get("content-type")]).toEqual([403, "text/html; charset=utf-8"]);
      expect((await stack.list()).filter(({ invocationId }) => invocationId === run).length).toBe(2);
      expect(stack.effects.count("book")).toBe(0);
      for (const { id } of approvals) await stack.answer(id, false);
      expect(await endOf(run)).toBe("done");
    });
  });

  test("a page of the list ends where the next one begins", async () => {
    stack.calls(...Array.from({ length: 7 }, (_, n) => call("book", `p${n}`)));
    const { run, approvals } = await stack.ask("Quiet", 7);
    const seen: string[] = [];
    for (let before = "", pages = 0; pages < 10; pages++) {
      const { body } = await stack.request(`/approvals?limit=3&agent=quiet${before}`);
      const { approvals: page, next } = body as unknown as { approvals: { id: string }[]; next?: string };
      expect(page.length).toBeLessThanOrEqual(3);
      seen.push(...page.map(({ id }) => id));
      if (next === undefined) break;
      before = `&before=${next}`;
    }
    expect(seen).toEqual(approvals.map(({ id }) => id));
    expect((await stack.request("/approvals?agent=nobody")).body).toEqual({ approvals: [] });
    expect((await stack.request("/approvals?before=1")).status).toBe(400);
    await stack.restate.cancel(run);
    await stack.restate.attach(run, 15_000);
  });

  describe("of conversations", () => {
    /** A turn that waits for a person. */
    const turnOf = async (session: string) => {
      const run = await stack.restate.send(`Support/${session}/send`, { message: "go", turn: `turn-${session}` });
      const [approval] = await stack.pendingOf(run);
      if (approval === undefined) throw new Error("Nothing was asked");
      return { run, approval, id: approval.id };
    };

    test("are listed by conversation, and go on with the answer", async () => {
      stack.calls(call("book", "s"));
      const [one_, two] = await Promise.all([turnOf(`one-${runtime}`), turnOf(`two-${runtime}`)]);
      expect(one_.approval.session).toEqual({ service: "Support", key: `one-${runtime}`, turn: `turn-one-${runtime}` });
      const listed = await stack.list(`&session=one-${runtime}`);
      expect(listed.map(({ id }) => id)).toEqual([one_.id]);
      const all = (await stack.list("&agent=Support")).map(({ id }) => id);
      expect(all.toSorted()).toEqual([one_.id, two.id].toSorted());
      await stack.answer(one_.id, true);
      await stack.answer(two.id, false, "not now");
      expect(await endOf(one_.run)).toMatchObject({ text: "done" });
      expect(await endOf(two.run)).toMatchObject({ text: "done" });
      expect(stack.effects.count("book")).toBe(1);
    });

    test("are closed when the turn is interrupted, and the next turn works", async () => {
      const session = `stop-${runtime}`;
      stack.calls(call("book", "s"));
      const { run, id } = await turnOf(session);
      await stack.restate.call(`Support/${session}/interrupt`, {});
      await stack.restate.attach(run, 30_000);
      await waitUntil("The question is not closed", async () => (await stack.get(id)).state === "cancelled");
      expect(await stack.answer(id, true)).toMatchObject({ status: 409, body: { approval: { state: "cancelled" } } });
      stack.script = () => ({ text: "still here" });
      const next = await stack.restate.call(`Support/${session}/send`, { message: "hello", turn: "next" });
      expect(next).toMatchObject({ status: 200, body: { text: "still here" } });
      expect(stack.effects.count("book")).toBe(0);
    });
  });
});
