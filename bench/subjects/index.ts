import type { References } from "../harness/table.ts";
import type { Subject } from "../subject.ts";
import { officialOnNode, officialOnWorkers } from "./official.ts";
import { ourSubjects } from "./ours.ts";
import { plain } from "./plain.ts";

/** What the others are compared with: no durability, and what users would pick instead. */
export const REFERENCES: References = { plain: plain.name, official: officialOnWorkers.name };

const PEERS = new URL("../peers/index.ts", import.meta.url);

/** Every subject, in the order of the report. */
export async function allSubjects(): Promise<readonly Subject[]> {
  return [plain, ...ourSubjects, officialOnWorkers, officialOnNode, ...(await peers())];
}

/** Other systems, in a package of their own. */
async function peers(): Promise<readonly Subject[]> {
  try {
    const module = (await import(PEERS.href)) as { readonly peers: readonly Subject[] };
    return module.peers;
  } catch (error) {
    console.error(`Without the peers: ${String(error)}`);
    return [];
  }
}
