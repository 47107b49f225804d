import type { SystemEvent, X86Exit } from "../../exits.ts";
import type { HostMemory } from "../hostMemory.ts";
import { exitReasons, internalErrors, systemEvents } from "../uapi/constants.ts";
import { ioDirections } from "../uapi/x86_64/constants.ts";
import { kvmRun } from "../uapi/x86_64/structures.ts";

const { exit: union } = kvmRun.members;
const at = kvmRun.offsets.exit;
const { io, mmio, debug, hypercall, fail_entry: failEntry } = union.members;
const { internal, emulation_failure: emulation, system_event: event } = union.members;
const debugArch = debug.members.arch;

/** Byte offsets in `kvm_run`, known before the first exit. */
const offset = {
  reason: kvmRun.offsets.exit_reason,
  ioDirection: at + io.offsets.direction,
  ioSize: at + io.offsets.size,
  ioPort: at + io.offsets.port,
  ioCount: at + io.offsets.count,
  ioDataOffset: at + io.offsets.data_offset,
  mmioAddress: at + mmio.offsets.phys_addr,
  mmioData: at + mmio.offsets.data,
  mmioLength: at + mmio.offsets.len,
  mmioIsWrite: at + mmio.offsets.is_write,
  debugException: at + debugArch.offsets.exception,
  debugPc: at + debugArch.offsets.pc,
  debugDr6: at + debugArch.offsets.dr6,
  debugDr7: at + debugArch.offsets.dr7,
  hypercallNumber: at + hypercall.offsets.nr,
  hypercallArgs: at + hypercall.offsets.args,
  failureReason: at + failEntry.offsets.hardware_entry_failure_reason,
  suberror: at + internal.offsets.suberror,
  ndata: at + internal.offsets.ndata,
  emulationFlags: at + emulation.offsets.flags,
  instructionSize: at + emulation.offsets.insn_size,
  instructionBytes: at + emulation.offsets.insn_bytes,
  eventType: at + event.offsets.type,
} as const;

/** `emulation_failure.flags`: the instruction's bytes are there (`KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES`). */
const instructionBytesFlag = 1n;

const suberrorText: Readonly<Record<number, string>> = {
  [internalErrors.KVM_INTERNAL_ERROR_EMULATION]: "KVM cannot emulate the instruction",
  [internalErrors.KVM_INTERNAL_ERROR_SIMUL_EX]: "KVM met two exceptions at once",
  [internalErrors.KVM_INTERNAL_ERROR_DELIVERY_EV]: "KVM failed while it delivered an event",
  [internalErrors.KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON]:
    "the CPU left the guest for a reason KVM does not know",
};

/** Port data is at this page of the mapping (`KVM_PIO_PAGE_OFFSET`), but the exit says so itself. */
const longestPortData = 4096;

/**
 * The exits of one vCPU, as views of its `kvm_run`: each exists once, and reads what it is asked for. So an exit costs no
 * allocation, and shows what was there when the vCPU last returned.
 */
export class ExitReader {
  readonly #view: DataView;
  readonly #byReason: ReadonlyMap<number, X86Exit>;

  constructor(run: HostMemory) {
    this.#view = run.view;
    this.#byReason = new Map<number, X86Exit>([
      [exitReasons.KVM_EXIT_IO, ioExit(run)],
      [exitReasons.KVM_EXIT_MMIO, mmioExit(run.view)],
      [exitReasons.KVM_EXIT_DEBUG, { reason: "DEBUG", arch: debugExit(run.view) }],
      [exitReasons.KVM_EXIT_HLT, { reason: "HLT" }],
      [exitReasons.KVM_EXIT_SHUTDOWN, { reason: "SHUTDOWN" }],
      [exitReasons.KVM_EXIT_IRQ_WINDOW_OPEN, { reason: "IRQ_WINDOW_OPEN" }],
      [exitReasons.KVM_EXIT_INTR, { reason: "INTR" }],
      [exitReasons.KVM_EXIT_HYPERCALL, hypercallExit(run.view)],
      [exitReasons.KVM_EXIT_FAIL_ENTRY, failEntryExit(run.view)],
      [exitReasons.KVM_EXIT_INTERNAL_ERROR, internalErrorExit(run)],
    ]);
  }

  /** The exit that `kvm_run` now tells. */
  read(): X86Exit {
    const reason = this.#view.getUint32(offset.reason, true);
    return this.#byReason.get(reason) ?? this.#rare(reason);
  }

  #rare(reason: number): X86Exit {
    if (reason === exitReasons.KVM_EXIT_SYSTEM_EVENT) {
      const type = systemEventName(this.#view.getUint32(offset.eventType, true));
      if (type !== undefined) return { reason: "SYSTEM_EVENT", type };
    }
    return { reason: "OTHER", exitReason: reason };
  }
}

function systemEventName(type: number): SystemEvent | undefined {
  switch (type) {
    case systemEvents.KVM_SYSTEM_EVENT_SHUTDOWN:
      return "SHUTDOWN";
    case systemEvents.KVM_SYSTEM_EVENT_RESET:
      return "RESET";
    case systemEvents.KVM_SYSTEM_EVENT_CRASH:
      return "CRASH";
    default:
      return undefined;
  }
}

function ioExit({ view, bytes }: HostMemory): X86Exit {
  let dataAt = -1;
  let data: Uint8Array = bytes.subarray(0, 0);
  return {
    reason: "IO",
    get isWrite() {
      return view.getUint8(offset.ioDirection) === ioDirections.KVM_EXIT_IO_OUT;
    },
    get size() {
      return view.getUint8(offset.ioSize) as 1 | 2 | 4;
    },
    get port() {
      return view.getUint16(offset.ioPort, true);
    },
    get count() {
      return view.getUint32(offset.ioCount, true);
    },
    get data() {
      const now = view.getUint32(offset.ioDataOffset, true);
      if (now !== dataAt) {
        dataAt = now;
        data = bytes.subarray(now, now + longestPortData);
      }
      return data;
    },
  };
}

function mmioExit(view: DataView): X86Exit {
  return {
    reason: "MMIO",
    get address() {
      return view.getBigUint64(offset.mmioAddress, true);
    },
    get length() {
      return view.getUint32(offset.mmioLength, true);
    },
    get isWrite() {
      return view.getUint8(offset.mmioIsWrite) !== 0;
    },
    get data() {
      const bits = 8 * Math.min(8, view.getUint32(offset.mmioLength, true));
      return BigInt.asUintN(bits, view.getBigUint64(offset.mmioData, true));
    },
  };
}

function debugExit(view: DataView): Extract<X86Exit, { reason: "DEBUG" }>["arch"] {
  return {
    get exception() {
      return view.getUint32(offset.debugException, true);
    },
    get pc() {
      return view.getBigUint64(offset.debugPc, true);
    },
    get dr6() {
      return view.getBigUint64(offset.debugDr6, true);
    },
    get dr7() {
      return view.getBigUint64(offset.debugDr7, true);
    },
  };
}

function hypercallExit(view: DataView): X86Exit {
  return {
    reason: "HYPERCALL",
    get number() {
      return view.getBigUint64(offset.hypercallNumber, true);
    },
    get args() {
      return Array.from({ length: 6 }, (_, i) => view.getBigUint64(offset.hypercallArgs + 8 * i, true));
    },
  };
}

function failEntryExit(view: DataView): X86Exit {
  return {
    reason: "FAIL_ENTRY",
    get hardwareEntryFailureReason() {
      return view.getBigUint64(offset.failureReason, true);
    },
  };
}

function internalErrorExit({ view, bytes }: HostMemory): X86Exit {
  return {
    reason: "INTERNAL_ERROR",
    get suberror() {
      return view.getUint32(offset.suberror, true);
    },
    get message() {
      const { suberror, instruction } = this;
      const text = suberrorText[suberror] ?? `KVM failed with internal error ${suberror}`;
      return instruction === undefined ? text : `${text} ${hexBytes(instruction)}`;
    },
    get instruction() {
      const told =
        view.getUint32(offset.suberror, true) === internalErrors.KVM_INTERNAL_ERROR_EMULATION &&
        view.getUint32(offset.ndata, true) >= 3 &&
        (view.getBigUint64(offset.emulationFlags, true) & instructionBytesFlag) !== 0n;
      if (!told) return undefined;
      const size = Math.min(15, view.getUint8(offset.instructionSize));
      return bytes.slice(offset.instructionBytes, offset.instructionBytes + size);
    },
  };
}

const hexBytes = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
