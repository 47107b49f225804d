/** RFLAGS: TF and RF (Intel SDM volume 3, 2.3). */
export const trapFlag = 0x100n;
export const resumeFlag = 0x1_0000n;

/** DR6: which registers have hit, BS, and the bits that are always one (18.2.3). */
export const dr6Hits = 0xfn;
export const dr6Step = 0x4000n;
export const dr6Fixed = 0xffff_0ff0n;
