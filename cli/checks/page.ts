import { buildPage } from "../page/build-page.ts";
import { inRoot } from "../stack/paths.ts";
import { asOne, type Check } from "./check.ts";
import { judgePage, sizeOfPage } from "./page-size.ts";

/** Builds the playground's page and weighs it. */
export const page: Check = {
  name: "page",
  about: "the playground's page builds, within its budget of bytes",
  run: async () => {
    await buildPage({ always: true });
    const size = judgePage(sizeOfPage(inRoot("web/dist")));
    return asOne([size], size.note);
  },
};
