/** Lines that say nothing to a developer: our own health checks, and wrangler's listing of the settings. */
const NOISE = /GET \/health 200|^\s*$/;

/** Prints lines behind a label, so that two tools can share a terminal. */
export function prefixed(label: string): (line: string) => void {
  return (line) => {
    if (!NOISE.test(line)) console.log(`${label.padEnd(8)}│ ${line}`);
  };
}

/** Prints rows of two columns. */
export function printTable(rows: readonly (readonly [string, string])[]): void {
  const width = Math.max(...rows.map(([name]) => name.length));
  console.log();
  for (const [name, value] of rows) console.log(`  ${name.padEnd(width)}  ${value}`);
}
