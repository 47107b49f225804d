import { describeDifferential } from "./suite.ts";
import { vectorCases } from "./vectorCases.ts";

describeDifferential("integer SIMD and cryptographic instructions", vectorCases);
