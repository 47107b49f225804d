import { describeSelfDebugging } from "./support/selfDebugging.ts";

// Compiled the second time that control gets there: what is debugged runs a few times only.
describeSelfDebugging({ engine: "jit", heat: 1 });
