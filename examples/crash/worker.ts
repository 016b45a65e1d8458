import { createEdgeApp } from "../../routes/index.ts";
import { orderService } from "./agent.ts";

export default createEdgeApp({ services: [orderService] });
