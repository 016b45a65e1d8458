/** Exit codes of the tool. Scripts depend on them; README.md lists them. */
export const EXIT = {
  ok: 0,
  /** Something that the tool does not know how to explain. */
  unexpected: 1,
  /** A flag, a setting or a file of the project is wrong. Nothing was changed. */
  usage: 2,
  /** A check says no: `doctor` found something, `prune` may not, a change is breaking. Nothing was changed. */
  refused: 3,
  /** Cloudflare, Restate or the app did not answer, or failed. Running the command again goes on from there. */
  remote: 4,
  /** The new version did not pass its smoke invocation, and was not promoted. */
  smoke: 5,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

/** One of the exit codes. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
