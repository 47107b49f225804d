import { floatVectorCases } from "./floatCases.ts";
import { describeDifferential } from "./suite.ts";

describeDifferential("Advanced SIMD floating-point instructions", floatVectorCases);
