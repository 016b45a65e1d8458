import { defineEventHandler } from "nitro/h3";
import { counts } from "../plugins/count.mjs";

export default defineEventHandler(() => counts);
