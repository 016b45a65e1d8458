import { modelInfo, publicServices, services } from "../agents/index.ts";
import { createEdgeApp, playgroundFolder } from "../routes/index.ts";

export default createEdgeApp({
  services,
  publicServices,
  bidirectional: true,
  info: modelInfo,
  playground: playgroundFolder(new URL("../web/dist/", import.meta.url)),
});
