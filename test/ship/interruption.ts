/** A deployment that is interrupted at one of its steps, and started again. */
import { expect } from "vitest";
import {
  type DeployDocument,
  type DeployWorld,
  type Gates,
  type Live,
  type RunningDeploy,
  WORKER,
} from "./deploy-world.ts";
import type { Break, GateRequest } from "./gate.ts";

/** What happens to one run. */
export interface Interruption {
  readonly step: string;
  /** At a request, or once the run has said something. */
  readonly when: AtRequest | AfterText;
  readonly signal?: NodeJS.Signals;
  readonly args?: readonly string[];
}

interface AtRequest {
  readonly gate: keyof Gates;
  readonly at: (request: GateRequest) => boolean;
  readonly how: Break;
  readonly once?: boolean;
}

interface AfterText {
  readonly said: string;
}

/** One row of the table that a test file prints. */
export type Row = Readonly<Record<string, string | number>>;

/** What both runs left behind. */
export interface Interrupted {
  readonly row: Row;
  readonly document: DeployDocument;
  readonly live: Live;
  /** What was live while the first run was over, and the second had not begun. */
  readonly between: Live;
}

export const api =
  (method: string, path: RegExp) =>
  (request: GateRequest): boolean =>
    request.method === method && path.test(request.path);

export const registration =
  (isDry: boolean) =>
  ({ method, path, body }: GateRequest): boolean =>
    method === "POST" && path === "/deployments" && body.includes('"dry_run":true') === isDry;

/** The health of the app's own address, and what a version says of itself. */
export const mainHealth = api("GET", new RegExp(`^http://${WORKER}\\.acme\\.workers\\.dev/health$`));
export const versionReady = api("GET", /\/ready$/);

const WORDS: Readonly<Record<Break, string>> = {
  cut: "unreachable",
  lost: "done, the answer is lost",
  held: "in the request",
  done: "done, before the answer",
  delayed: "later",
};

/** For the name of the test. */
export function titleOf({ step, when, signal }: Interruption): string {
  return `${step}: ${"how" in when ? when.how : "under way"} ${signal ?? ""}`.trim();
}

/** Interrupts a deployment of a source that is new, and starts it again. The second one must succeed. */
export async function interruptAndRepeat(world: DeployWorld, interruption: Interruption): Promise<Interrupted> {
  const { step, when, signal, args = [] } = interruption;
  await world.change();
  const running = world.start(args);
  await breakOff(world, interruption, running);
  const first = await running.ended;
  if ("gate" in when) expect(world.gates[when.gate].open(), first.log).toBe(true);
  expect(first.code, first.log).toBe(signal === undefined ? 4 : signal === "SIGINT" ? 130 : null);
  const between = await world.live();

  const second = await world.json(args);
  expect(second.code, second.log).toBe(0);
  const { document } = second;
  const live = await world.live();
  const isSame = live.main === document.version && live.latest.join() === document.version;
  const how = "how" in when ? WORDS[when.how] : "under way";
  const row: Row = {
    step,
    interruption: `${how}${signal === undefined ? "" : `, ${signal}`}`,
    exit: String(first.code ?? "killed"),
    "the second run": document.outcome,
    end: isSame ? "the same" : "another",
  };
  expect(live).toMatchObject({ latest: [document.version], main: document.version });
  return { row, document, live, between };
}

async function breakOff(world: DeployWorld, { when, signal }: Interruption, running: RunningDeploy): Promise<void> {
  const strike = (): void => {
    if (signal !== undefined) running.signal(signal);
  };
  if ("gate" in when) {
    const { gate, at, how, once = false } = when;
    world.gates[gate].break({ matches: at, how, once, onBreak: strike });
    return;
  }
  await running.said(when.said);
  strike();
}
