import { createEdgeApp } from "../../routes/index.ts";
import { addA2A, translator } from "./agent.ts";

const app = createEdgeApp({ services: [translator], publicServices: [translator] });
addA2A(app);

export default app;
