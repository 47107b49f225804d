import { arm64Reg } from "../../kvm/oneReg.ts";
import type { GuestOptions } from "../../vmm/guest.ts";
import { type GuestRequest, prepareGuest } from "../machine.ts";
import { ListeningWatch } from "./listening.ts";
import type { Debugging, RunnableGuest } from "./runnable.ts";

async function arm64Debugging(): Promise<Debugging> {
  const { arm64DebugArchitecture } = await import("../../debugger/arm64/architecture.ts");
  const { arm64TargetRegisters } = await import("../../gdb/debuggerTarget/registers.ts");
  return { architecture: arm64DebugArchitecture, registers: arm64TargetRegisters() };
}

/** An arm64 guest on the embedded substrate. @throws UserError for whatever the user can put right */
export async function arm64Guest(
  request: GuestRequest,
  surroundings: Pick<GuestOptions, "transmit" | "onReceiveRoom">,
): Promise<RunnableGuest> {
  const { machine, plan, image } = await prepareGuest(request, surroundings);
  return {
    machine,
    pc: arm64Reg.pc,
    debugging: arm64Debugging,
    timeline: machine.timeline,
    uart: machine.board.uart,
    listening: new ListeningWatch(),
    image,
    instructions: () => machine.instructions,
    observe: (observer) => {
      machine.onExit = observer;
    },
    boot: () => machine.boot(plan),
    close: () => {},
  };
}
