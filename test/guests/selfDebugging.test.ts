import { describeSelfDebugging } from "./support/selfDebugging.ts";

describeSelfDebugging({ engine: "interpreter", steppedFrom: "main", hardwareRuns: 3 });
