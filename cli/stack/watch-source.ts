import { existsSync, watch } from "node:fs";
import { join } from "node:path";

const FOLDERS = ["src", "routes", "agents", "entry"];

/** Editors save in several writes: changes within this time, in milliseconds, count as one. */
const DEBOUNCE_MS = 200;

/** Calls back after each change of the project's source. It does not keep the process alive. */
export function watchSource(project: string, onChange: () => void): void {
  let timer: NodeJS.Timeout | undefined;
  for (const folder of FOLDERS.map((name) => join(project, name)).filter((path) => existsSync(path))) {
    watch(folder, { recursive: true, persistent: false }, () => {
      clearTimeout(timer);
      timer = setTimeout(onChange, DEBOUNCE_MS).unref();
    });
  }
}
