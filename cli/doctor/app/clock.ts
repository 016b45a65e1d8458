import { type DoctorCheck, fail, NotKnown, pass } from "../check.ts";
import { maybe } from "../facts/facts.ts";
import type { Probe } from "../../http/probe.ts";

/** Signatures live 60 seconds on either side; half of that may be lost on the way. */
const MAX_SKEW_MS = 30_000;

/** Whether clocks agree well enough for signatures. https://docs.restate.dev/services/security */
export const clock: DoctorCheck = {
  id: "clock",
  group: "App",
  about: "the clocks of Restate, the app and this machine agree",
  run: async (facts) => {
    const probes: readonly (readonly [string, Probe | undefined])[] = await Promise.all([
      maybe(facts.restate.probe("admin")).then((found) => ["Restate", found] as const),
      maybe(facts.app.healthProbe()).then((found) => ["the app", found] as const),
    ]);
    const clocks = probes.flatMap(([name, found]) =>
      found?.kind === "answered" && found.aheadMs !== undefined ? [{ name, aheadMs: found.aheadMs }] : [],
    );
    if (clocks.length === 0) throw new NotKnown("Nobody who answers tells the time");
    const wrong = clocks.filter(({ aheadMs }) => Math.abs(aheadMs) > MAX_SKEW_MS);
    if (wrong.length === 0) return pass(clocks.map(({ name, aheadMs }) => `${name} ${words(aheadMs)}`).join(", "));
    const isOurs = wrong.length === clocks.length && clocks.length > 1 && agree(clocks.map(({ aheadMs }) => aheadMs));
    const told = wrong.map(({ name, aheadMs }) => `the clock of ${name} is ${words(aheadMs)}`).join(", ");
    return fail(
      `${told[0]?.toUpperCase() ?? ""}${told.slice(1)} compared with this machine's. Signatures of Restate's requests live 60 seconds: beyond that the app refuses them all (401).`,
      `Set the clock of ${isOurs ? "this machine" : (wrong[0]?.name ?? "")} by NTP; with systemd:`,
      "sudo timedatectl set-ntp true",
    );
  },
};

function agree(times: readonly number[]): boolean {
  return Math.max(...times) - Math.min(...times) <= MAX_SKEW_MS;
}

function words(aheadMs: number): string {
  const seconds = Math.abs(aheadMs / 1_000);
  // The header `date` has whole seconds.
  if (seconds < 2) return "on time";
  return `${Math.round(seconds)} s ${aheadMs > 0 ? "ahead" : "behind"}`;
}
