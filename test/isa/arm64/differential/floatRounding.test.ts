import { floatRoundingCases } from "./floatCases.ts";
import { describeDifferential } from "./suite.ts";

describeDifferential("floating-point instructions on numbers that are hard to round", floatRoundingCases);
