import { describeSelfDebugging } from "./support/selfDebugging.ts";

describeSelfDebugging({ engine: "auto", steppedFrom: "check_locks", hardwareRuns: 1 });
