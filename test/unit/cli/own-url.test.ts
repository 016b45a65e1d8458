import { expect, test } from "vitest";
import { ownUrl } from "../../../cli/project/own-url.ts";

const DERIVED = "https://agents.acme.workers.dev";

test.each([
  { customDomains: [], workersDev: undefined, own: DERIVED },
  { customDomains: [], workersDev: true, own: DERIVED },
  { customDomains: [], workersDev: false, own: undefined },
  { customDomains: ["agents.example.com"], workersDev: false, own: "https://agents.example.com" },
  { customDomains: ["agents.example.com", "b.example.com"], workersDev: true, own: "https://agents.example.com" },
])("$customDomains, workers_dev $workersDev: $own", ({ own, ...worker }) => {
  expect(ownUrl(worker, DERIVED)).toBe(own);
});
