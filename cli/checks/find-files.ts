import { globSync } from "node:fs";

import { ROOT } from "../stack/paths.ts";

/** True when the repository holds a file of this pattern. Checks of what is not there yet are skipped. */
export function hasFiles(pattern: string): boolean {
  return globSync(pattern, { cwd: ROOT }).length > 0;
}
