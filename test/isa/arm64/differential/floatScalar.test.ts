import { floatFusedCases, floatScalarCases } from "./floatCases.ts";
import { describeDifferential } from "./suite.ts";

describeDifferential("scalar floating-point instructions", floatScalarCases);

describeDifferential("fused floating-point instructions near ties", floatFusedCases);
