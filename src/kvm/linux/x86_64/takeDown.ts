import { KvmError } from "../../errors.ts";
import type { LinuxX86Vcpu } from "./vcpu.ts";

/**
 * Takes down everything of a vCPU that guests can change.
 * @param hasLapic its local APIC is in the kernel
 * @param msrs the indices that KVM lists
 * @returns what puts it back
 */
export function takeDownVcpu(vcpu: LinuxX86Vcpu, hasLapic: boolean, msrs: readonly number[]): () => void {
  const { file } = vcpu;
  const [regs, sregs, xcrs, xsave] = [file.getRegs(), file.getSregs(), file.getXcrs(), file.getXsave()];
  const [debug, events, mpState] = [file.getDebugRegs(), file.getVcpuEvents(), file.mpState];
  const lapic = hasLapic ? file.getLapic() : undefined;
  const values = msrs.flatMap((index) => {
    const value = refusable(() => file.getMsr(index));
    return value === undefined ? [] : [{ index, value }];
  });
  return () => {
    vcpu.setSregs(sregs);
    vcpu.setRegs(regs);
    vcpu.setXcrs(xcrs);
    vcpu.setXsave(xsave);
    // Some of those that are listed can only be read.
    for (const { index, value } of values) refusable(() => file.setMsr(index, value));
    if (lapic !== undefined) file.setLapic(lapic);
    vcpu.setDebugRegs(debug);
    vcpu.putBackEvents(events);
    vcpu.setMpState(mpState);
  };
}

function refusable<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof KvmError && error.errno === "EINVAL") return undefined;
    throw error;
  }
}
