/** What the GICv3 says it is: values that drivers accept and that match no erratum they look for. */

/** Implementer Arm, product 0: GICD_IIDR and GICR_IIDR. */
export const GICV3_IIDR = 0x0000_043b;
/** First of the identification registers at the end of each frame of 64 KiB. */
const ID = 0xffd0;
/** PIDR4–7, PIDR0–3, CIDR0–3 of GICD: PIDR2's high half is the architecture's version, 3. */
const DISTRIBUTOR_IDS = [0x44, 0, 0, 0, 0x92, 0xb4, 0x3b, 0, 0x0d, 0xf0, 0x05, 0xb1] as const;
/** Those of GICR, which is a part of its own. */
const REDISTRIBUTOR_IDS = [0x44, 0, 0, 0, 0x93, 0xb4, 0x3b, 0, 0x0d, 0xf0, 0x05, 0xb1] as const;

/** The identification register at `offset` of a frame, zero where there is none. */
export function gicv3Id(frame: "distributor" | "redistributor", offset: number): number {
  if (offset < ID) return 0;
  return (frame === "distributor" ? DISTRIBUTOR_IDS : REDISTRIBUTOR_IDS)[(offset - ID) >> 2] ?? 0;
}
