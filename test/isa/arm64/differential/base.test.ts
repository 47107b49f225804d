import { baseCases } from "./baseCases.ts";
import { describeDifferential } from "./suite.ts";

describeDifferential("data processing and branches", baseCases);
