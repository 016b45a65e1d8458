import { modelInfo, publicServices, services } from "../agents/index.ts";
import { createEdgeApp } from "../routes/index.ts";

export default createEdgeApp({ services, publicServices, bidirectional: true, info: modelInfo });
