import { createEdgeApp } from "../../routes/index.ts";
import { conciergeService } from "./agent.ts";

export default createEdgeApp({ services: [conciergeService], publicServices: [conciergeService] });
