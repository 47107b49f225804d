import type { Scenario } from "../scenario.ts";
import { breakpoints } from "./breakpoints.ts";
import { devices } from "./devices.ts";
import { kvmSelftest } from "./kvmSelftest.ts";
import { ownDebugging } from "./ownDebugging.ts";
import { stepping } from "./stepping.ts";
import { undefinedInstructions } from "./undefined.ts";

/** Every scenario of the suite. */
export const scenarios: readonly Scenario[] = [
  ...stepping,
  ...devices,
  ...breakpoints,
  ...ownDebugging,
  ...kvmSelftest,
  ...undefinedInstructions,
];
