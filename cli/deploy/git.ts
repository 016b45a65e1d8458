/** The commit that is deployed. */
import { execFile } from "node:child_process";
import { EXIT } from "../tool/exit-codes.ts";
import type { Tool } from "../tool/tool.ts";
import { ToolError } from "../tool/tool-error.ts";

/** What git says of a folder. */
export interface GitState {
  /** Full id of the commit that is checked out. */
  readonly sha: string;
  /** Files that are not as committed, as far as they are not ignored. */
  readonly changed: readonly string[];
}

const LONGEST_MS = 15_000;
const SHOWN = 5;

/** Undefined in a folder that is in no repository, or in one without a commit, and where there is no git. */
export async function gitState(folder: string): Promise<GitState | undefined> {
  const sha = await git(folder, ["rev-parse", "HEAD"]);
  if (sha === undefined) return undefined;
  const status = (await git(folder, ["status", "--porcelain", "--untracked-files=normal", "--", "."])) ?? "";
  return { sha: sha.trim(), changed: status.split("\n").filter((line) => line !== "") };
}

/** @returns The commit; undefined when the folder is in no repository. @throws ToolError `git-dirty` (exit code 3) */
export async function requireCommitted(tool: Tool, folder: string, allowDirty: boolean): Promise<string | undefined> {
  const state = await gitState(folder);
  if (state === undefined || state.changed.length === 0) return state?.sha;
  const { sha, changed } = state;
  if (allowDirty) return `${sha}-dirty`;
  if (tool.flags.dryRun) {
    tool.reporter.warn(`${changed.length} files are not committed: deploy will ask for --allow-dirty`);
    return `${sha}-dirty`;
  }
  const more = changed.length > SHOWN ? `\n  and ${changed.length - SHOWN} more` : "";
  throw new ToolError({
    code: "git-dirty",
    message: `Cannot deploy what is not committed:\n${changed
      .slice(0, SHOWN)
      .map((line) => `  ${line}`)
      .join("\n")}${more}`,
    hint: "Commit it, or pass --allow-dirty: then nobody can tell later what runs",
    exitCode: EXIT.refused,
    details: { changed: changed.length },
  });
}

function git(folder: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile("git", [...args], { cwd: folder, timeout: LONGEST_MS }, (error, stdout) => {
      resolve(error === null ? stdout : undefined);
    });
  });
}
