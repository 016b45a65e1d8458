import type { Duration } from "../restate.ts";

/** A duration in milliseconds. */
export function durationMs(duration: Duration | number): number {
  if (typeof duration === "number") return duration;
  const { days = 0, hours = 0, minutes = 0, seconds = 0, milliseconds = 0 } = duration;
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000 + milliseconds;
}
