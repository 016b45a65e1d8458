import { createEdgeApp } from "../../routes/index.ts";
import { observed } from "./agent.ts";

// The settings are enough; `telemetry: otlpTelemetry({ endpoint, headers, resource })` says more.
export default createEdgeApp({ services: [observed], publicServices: [observed], name: "letters" });
