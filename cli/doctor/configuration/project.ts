import { type DoctorCheck, fail, pass, skip } from "../check.ts";

/** Whether the project can be read at all. */
export const project: DoctorCheck = {
  id: "project",
  group: "Project",
  about: "wrangler's configuration can be read",
  run: (facts) => {
    const { projectError } = facts;
    if (projectError !== undefined) {
      return fail(projectError.message, ...(projectError.hint === undefined ? [] : [projectError.hint]));
    }
    if (!facts.hasProject) return skip("Not a Worker: no wrangler.toml, wrangler.json or wrangler.jsonc here");
    const { worker, environment } = facts.project();
    return pass(environment === undefined ? `Worker ${worker.name}` : `Worker ${worker.name} (${environment})`);
  },
};
