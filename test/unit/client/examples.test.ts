/** The examples in the client's doc comments run. */
import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { AgentClientError, createClient } from "../../../src/client/index.ts";
import { API_KEY, ContractServer } from "./contract-server.ts";

let server: ContractServer;
beforeAll(async () => {
  server = await ContractServer.start();
});
afterAll(() => server.close());
afterEach(() => server.reset());

/** The examples of a source file, without imports: what they import is given. */
function examplesOf(file: string): string[] {
  const source = readFileSync(new URL(`../../../src/client/${file}`, import.meta.url), "utf8");
  return [...source.matchAll(/^( *) \* ```ts\n([\s\S]*?)^ *\* ```$/gm)].map(([, , block = ""]) => {
    const code = block.replace(/^ *\* ?/gm, "");
    return stripTypeScriptTypes(code).replace(/^import .*$/gm, "");
  });
}

/** Runs an example; what it declares or sets as `answer` is the result. */
async function runExample(code: string, scope: Record<string, unknown>): Promise<unknown> {
  const AsyncFunction = (async () => undefined).constructor as new (
    ...parameters: string[]
  ) => (...values: unknown[]) => Promise<unknown>;
  return new AsyncFunction(...Object.keys(scope), `${code}\nreturn answer;`)(...Object.values(scope));
}

const connect = () => createClient({ url: server.url, apiKey: API_KEY, retryDelayMs: 1 });

it("of service()", async () => {
  const [example = ""] = examplesOf("client.ts");
  expect(await runExample(example, { client: connect() })).toBe("What is the weather in Berlin?");
  expect(server.executed.map(({ target, input }) => `${target}: ${String(input)}`)).toEqual([
    "WeatherAgent/run: What is the weather in Berlin?",
    "WeatherAgent/run: And in Paris?",
  ]);
});

it("of createClient()", async () => {
  const [, example = "", ...rest] = examplesOf("client.ts");
  expect(rest).toEqual([]);
  const local = (options: Parameters<typeof createClient>[0]) =>
    createClient({
      ...options,
      fetch: (url, init) => fetch(url.replace("https://agents.example.com", server.url), init),
    });
  expect(await runExample(example, { createClient: local, session: { key: API_KEY } })).toBe(
    "What is the weather in Berlin?",
  );
});

it("of AgentClientError", async () => {
  const [example = "", ...rest] = examplesOf("client-error.ts");
  expect(rest).toEqual([]);
  const run = connect().service("TravelAgent")["run"];
  const started = await run?.send("A seat to Berlin");
  const init = { kind: "timeout", code: "timeout", action: "wait", detail: "late", invocationId: started?.id } as const;
  const late = Object.assign(() => Promise.reject(new AgentClientError(init)), {
    invocation: (id: string) => run?.invocation(id),
  });
  const scope = { AgentClientError, travel: { run: late }, answer: undefined };
  expect(await runExample(example, scope)).toBe("A seat to Berlin");
});
