import type { SpanExporter } from "../../src/telemetry/span.ts";
import type { ServiceShape } from "../operations/service-shape.ts";
import type { EncryptionOption } from "../encryption.ts";
import { SETTING_NAMES, type Settings, settingsKey } from "../settings.ts";
import { checkApiKeys } from "./api-keys.ts";
import { type CheckResult, fail, runChecks } from "./check.ts";
import { checkEncryption } from "./encryption.ts";
import { checkIdentity } from "./identity.ts";
import { checkRegistered } from "./registered.ts";
import { checkAdmin, checkIngress } from "./restate.ts";
import { checkTelemetry } from "./telemetry.ts";

/** What `GET /ready` answers. */
export interface Report {
  readonly status: "pass" | "fail";
  readonly checks: readonly CheckResult[];
}

/** How long a report stays good, in milliseconds: however often strangers ask, Restate is asked this often. */
const FRESH_MS = 3_000;
/** Longest wait for a report, in milliseconds. Longer than its checks may take. */
const PATIENCE_MS = 4_000;

interface Round {
  readonly key: string;
  readonly begun: number;
  readonly report: Promise<Report>;
  ended: number | undefined;
}

/** What is checked. */
export interface ReadinessOptions {
  readonly shapes: readonly ServiceShape[];
  /** True when the app invokes agents through Restate's ingress. */
  readonly needsIngress: boolean;
  /** True when callers of the agents prove who they are by API keys. */
  readonly needsApiKeys: boolean;
  /** Where spans go instead of where the settings say. */
  readonly telemetry: SpanExporter | false | undefined;
  /** The app's own encryption, instead of that of the settings. */
  readonly encryption?: EncryptionOption;
}

/** Checks once for all who ask within a few seconds. */
export class Readiness {
  readonly #options: ReadinessOptions;
  #round: Round | undefined;

  constructor(options: ReadinessOptions) {
    this.#options = options;
  }

  /** @param keep Keeps the platform from ending a round with the request that began it, where it would. */
  report(settings: Settings, keep: (work: Promise<unknown>) => void): Promise<Report> {
    const key = settingsKey(settings, SETTING_NAMES);
    if (this.#round === undefined || !isCurrent(this.#round, key)) {
      this.#round = this.#begin(key, settings);
      keep(this.#round.report);
    }
    return withPatience(this.#round.report);
  }

  #begin(key: string, settings: Settings): Round {
    const round: Round = {
      key,
      begun: performance.now(),
      report: this.#check(settings).finally(() => {
        round.ended = performance.now();
      }),
      ended: undefined,
    };
    return round;
  }

  async #check(settings: Settings): Promise<Report> {
    const { shapes, needsIngress, needsApiKeys, telemetry, encryption } = this.#options;
    const checks = await runChecks([
      { name: "identity-keys", run: () => checkIdentity(settings) },
      { name: "ingress", run: () => checkIngress(settings, needsIngress) },
      { name: "admin", run: () => checkAdmin(settings) },
      { name: "registered", run: () => checkRegistered(settings, shapes) },
      { name: "telemetry", run: () => checkTelemetry(settings, telemetry) },
      ...(encrypts(settings, encryption)
        ? [{ name: "encryption", run: () => checkEncryption(settings, encryption) }]
        : []),
      ...(needsApiKeys ? [{ name: "api-keys", run: () => checkApiKeys(settings) }] : []),
    ]);
    return { status: checks.some(({ status }) => status === "fail") ? "fail" : "pass", checks };
  }
}

function encrypts({ JOURNAL_KEYS }: Settings, option: EncryptionOption): boolean {
  return JOURNAL_KEYS !== undefined || option !== undefined;
}

function isCurrent({ key, begun, ended }: Round, wanted: string): boolean {
  if (key !== wanted) return false;
  const now = performance.now();
  return ended === undefined ? now - begun < PATIENCE_MS : now - ended < FRESH_MS;
}

/** On Workers the request that began a round may end, and its I/O with it: those who wait must not wait for ever. */
async function withPatience(report: Promise<Report>): Promise<Report> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<Report>((resolve) => {
    timer = setTimeout(() => {
      const check = { name: "all", ...fail("The checks did not end in time"), durationMs: PATIENCE_MS };
      resolve({ status: "fail", checks: [check] });
    }, PATIENCE_MS);
  });
  try {
    return await Promise.race([report, late]);
  } finally {
    clearTimeout(timer);
  }
}
