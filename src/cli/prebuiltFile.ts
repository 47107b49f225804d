import { packageFolder } from "./packageFolder.ts";

/** Where the build leaves arm64's interpreter. */
export const prebuiltFile = new URL("dist/prebuilt/arm64.interpreter", packageFolder);
