import { stripVTControlCharacters } from "node:util";

/** Lines that say nothing to a developer: our own health checks, and empty ones. */
const NOISE = /GET \/health 200|"route":"\/health"|no-legacy-abort|\[rocksdb\] flushed|^\s*$/;

/** Prints lines behind a label, so that two tools can share a terminal. */
export function prefixed(label: string): (line: string) => void {
  return (colored) => {
    const line = stripVTControlCharacters(colored);
    if (!NOISE.test(line)) console.log(`${label.padEnd(8)}│ ${line}`);
  };
}

/** Prints rows of two columns. */
export function printTable(rows: readonly (readonly [string, string])[]): void {
  const width = Math.max(...rows.map(([name]) => name.length));
  console.log();
  for (const [name, value] of rows) console.log(`  ${name.padEnd(width)}  ${value}`);
}
