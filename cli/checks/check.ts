/** How a check went. */
export type Outcome =
  | {
      readonly status: "ran";
      readonly passed: number;
      readonly failed: number;
      readonly output: string;
      readonly note?: string;
    }
  | { readonly status: "skipped"; readonly reason: string };

/** One check of `npm test`. */
export interface Check {
  /** The name that `npm test -- <name>` takes. */
  readonly name: string;
  /** One line about what it makes sure of. */
  readonly about: string;
  /** Both leave much of the machine idle: the check of this name, if it is the next one, runs at the same time. */
  readonly beside?: string;
  run(): Promise<Outcome>;
}

/** A command's result as the outcome of a check that counts as one. */
export function asOne(results: readonly { readonly ok: boolean; readonly output: string }[], note?: string): Outcome {
  const ok = results.every((result) => result.ok);
  const output = results.map((result) => result.output).join("\n");
  return {
    status: "ran",
    passed: ok ? 1 : 0,
    failed: ok ? 0 : 1,
    output,
    ...(note === undefined ? {} : { note }),
  };
}

/** The checks in their order, those that run at the same time together. */
export function groupsOf(checks: readonly Check[]): Check[][] {
  const groups: Check[][] = [];
  for (const check of checks) {
    const last = groups.at(-1);
    if (last?.at(-1)?.beside === check.name) last.push(check);
    else groups.push([check]);
  }
  return groups;
}
