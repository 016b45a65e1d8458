import { type DoctorCheck, pass, skip, warn } from "../check.ts";

/** Whether Restate speaks HTTP/2 where TLS lets it. */
export const httpVersion: DoctorCheck = {
  id: "http-version",
  group: "Restate",
  about: "https deployments are called over HTTP/2",
  run: async (facts) => {
    const own = await facts.app.deployments();
    const https = own.filter(({ deployment }) => deployment.uri?.startsWith("https:") === true);
    if (https.length === 0) return skip("No deployment of this app has an https URL");
    const old = https.filter(({ deployment }) => deployment.httpVersion === "HTTP/1.1");
    const [first] = old;
    if (first === undefined) return pass("HTTP/2");
    const { adminUrl = "" } = facts.restate.settings();
    return warn(
      `${old.map(({ deployment }) => deployment.id).join(", ")}: registered with HTTP/1.1 although the URL is https, so each running step holds a connection of its own. The flag is for http:// alone; take it back:`,
      `curl -X PATCH ${adminUrl}/deployments/${first.deployment.id} -H "authorization: Bearer $RESTATE_AUTH_TOKEN" -H "content-type: application/json" -d '{"use_http_11":false}'`,
    );
  },
};
