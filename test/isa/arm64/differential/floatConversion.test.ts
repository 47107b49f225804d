import { floatConversionCases } from "./floatCases.ts";
import { describeDifferential } from "./suite.ts";

describeDifferential("floating-point conversions", floatConversionCases);
