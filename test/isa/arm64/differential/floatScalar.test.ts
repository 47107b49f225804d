import { floatScalarCases } from "./floatCases.ts";
import { describeDifferential } from "./suite.ts";

describeDifferential("scalar floating-point instructions", floatScalarCases);
