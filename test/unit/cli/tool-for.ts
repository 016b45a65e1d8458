/** The surroundings of a command, in this process: it is asked nothing, and agrees to everything. */
import { tmpdir } from "node:os";
import { Redactor } from "../../../cli/tool/redact.ts";
import { JsonReporter } from "../../../cli/tool/reporter.ts";
import type { Tool } from "../../../cli/tool/tool.ts";
import type { FakeAdmin } from "./fake-admin.ts";

/** @param cwd Folder of the project. Default: one without. */
export function toolFor(restate: FakeAdmin, cwd: string = tmpdir()): Tool {
  return {
    flags: { cwd, adminUrl: restate.url, ingressUrl: restate.url, json: true, dryRun: false, yes: true },
    environment: {},
    reporter: new JsonReporter(),
    redactor: new Redactor({}),
    signal: new AbortController().signal,
    confirm: () => Promise.resolve(true),
  };
}
