import { ALL_CHECKS } from "../doctor/all-checks.ts";
import type { DoctorCheck } from "../doctor/check.ts";
import { type DoctorFlags, gatherFacts } from "../doctor/facts/facts.ts";
import { countsOf, type Diagnosis, runChecks } from "../doctor/run-checks.ts";
import { showDiagnoses } from "../doctor/show.ts";
import type { CommandDefinition } from "../tool/command.ts";
import { EXIT } from "../tool/exit-codes.ts";
import { usageError } from "../tool/tool-error.ts";

interface Flags extends DoctorFlags {
  /** Ids, comma-separated. */
  readonly only?: string | undefined;
}

interface DoctorResult {
  /** Nothing failed. */
  readonly ok: boolean;
  readonly counts: ReturnType<typeof countsOf>;
  readonly checks: readonly Diagnosis[];
}

export const doctor: CommandDefinition<Flags, DoctorResult> = {
  name: "doctor",
  about: "finds the usual misconfigurations, and says how to mend each; changes nothing",
  declare: (command) =>
    command
      .option("--url <url>", "where the app is served, when no deployment tells it")
      .option("--app <name>", "the app, when no project tells it")
      .option("--mount <path>", "path of its Restate endpoint, when it is not /restate")
      .option("--only <ids>", "these checks alone, comma-separated"),
  run: async (tool, flags) => {
    const chosen = chosenChecks(flags.only);
    const facts = await gatherFacts(tool, { ...flags, url: checkedUrl(flags.url) });
    const checks = await tool.reporter.step("Looking", (step) => {
      const waiting = new Set(chosen.map(({ id }) => id));
      return runChecks(chosen, facts, tool.signal, ({ id }) => {
        waiting.delete(id);
        if (waiting.size > 0) step.update([...waiting].join(", "));
      });
    });
    const counts = countsOf(checks);
    return { ok: counts.fail === 0 && counts.broken === 0, counts, checks };
  },
  show: ({ checks }, reporter) => showDiagnoses(checks, reporter),
  exitCode: ({ counts }) => (counts.fail > 0 ? EXIT.refused : counts.broken > 0 ? EXIT.unexpected : EXIT.ok),
};

function chosenChecks(only: string | undefined): readonly DoctorCheck[] {
  if (only === undefined) return ALL_CHECKS;
  const ids = only.split(",").map((id) => id.trim());
  const unknown = ids.find((id) => !ALL_CHECKS.some((check) => check.id === id));
  if (unknown === undefined) return ALL_CHECKS.filter(({ id }) => ids.includes(id));
  const known = ALL_CHECKS.map(({ id }) => id).join(", ");
  throw usageError("unknown-check", `There is no check ${unknown}`, `The checks are ${known}`);
}

function checkedUrl(url: string | undefined): string | undefined {
  if (url === undefined || (/^https?:\/\//i.test(url) && URL.canParse(url))) return url;
  throw usageError(
    "invalid-url",
    "Cannot use --url: it is not an http or https URL",
    "Pass such as --url https://agents.example.com",
  );
}
