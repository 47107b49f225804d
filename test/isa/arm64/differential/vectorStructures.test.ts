import { describeDifferential } from "./suite.ts";
import { structureCases } from "./vectorCases.ts";

describeDifferential("structure loads and stores", structureCases);
