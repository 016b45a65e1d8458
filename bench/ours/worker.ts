import { createEdgeApp } from "../../routes/index.ts";
import { services } from "./agents.ts";

export default createEdgeApp({ services });
