import { describeSelfDebugging } from "./support/selfDebugging.ts";

describeSelfDebugging({ engine: "interpreter" });
