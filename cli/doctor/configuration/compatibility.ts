import { type DoctorCheck, fail, pass, warn } from "../check.ts";
import { configLines, configName, type Facts } from "../facts/facts.ts";

/** From this date on `process.env` holds vars and secrets, which is where agents read them. */
const OLDEST_DATE = "2025-04-01";
/** From this date on `nodejs_compat` is on by itself. */
const NODE_BY_DEFAULT = "2026-08-04";

/** Whether the runtime is the one that the library needs. */
export const compatibility: DoctorCheck = {
  id: "compatibility",
  group: "Project",
  about: "compatibility date and flags are those that durable agents need",
  run: (facts) => {
    const { compatibilityDate: date, compatibilityFlags: flags } = facts.project().worker;
    const file = configName(facts);
    const today = new Date().toISOString().slice(0, 10);
    if (date === undefined || date < OLDEST_DATE) {
      const found = date === undefined ? "there is no compatibility_date" : `compatibility_date is ${date}`;
      return fail(
        `In ${file} ${found}; before ${OLDEST_DATE} process.env has no settings on Workers.`,
        ...configLines(facts, { compatibility_date: today }),
      );
    }
    if (!flags.includes("nodejs_compat") && (date < NODE_BY_DEFAULT || flags.includes("no_nodejs_compat"))) {
      return fail(
        `In ${file} the flag nodejs_compat is missing: the Restate SDK needs AsyncLocalStorage and Buffer.`,
        flagsLine(facts, [...flags.filter((flag) => flag !== "no_nodejs_compat"), "nodejs_compat"]),
      );
    }
    if (flags.includes("ignore_custom_ports")) {
      return fail(
        `In ${file} the flag ignore_custom_ports makes the Worker drop Restate's ports 8080 and 9070.`,
        flagsLine(
          facts,
          flags.filter((flag) => flag !== "ignore_custom_ports"),
        ),
      );
    }
    if (!flags.includes("enable_request_signal")) {
      return warn(
        `In ${file} the flag enable_request_signal is missing: a model call goes on, and is paid for, when Restate has given its request up.`,
        flagsLine(facts, [...flags, "enable_request_signal"]),
      );
    }
    return pass(`${date}, ${flags.join(", ")}`);
  },
};

function flagsLine(facts: Facts, flags: readonly string[]): string {
  return configLines(facts, { compatibility_flags: flags }).join("");
}
