import type { EngineHost } from "../../engine/engine.ts";
import { a64Encodings } from "../../isa/arm64/decode.ts";
import type { Arm64HostCall } from "../../isa/arm64/hostCalls.ts";
import { arm64State } from "../../isa/arm64/state.ts";
import { armFloatContext, setFpcr } from "../../isa/softfloat/arm.ts";
import { invokeFloatOperation64 } from "../../isa/softfloat/operations.ts";
import type { Arm64Cluster } from "./cluster.ts";
import { hcr } from "./controls.ts";
import type { Arm64Cpu } from "./cpu.ts";
import { exceptionClass } from "./syndrome.ts";
import { systemInstruction } from "./systemInstructions.ts";
import { sctlr } from "./systemRegisters/control.ts";
import { systemRegisterKey } from "./systemRegisters/row.ts";
import { registerByKey } from "./systemRegisters/table.ts";

const hints = { yield: 1, waitForEvent: 2, waitForInterrupt: 3, sendEvent: 4, sendEventLocal: 5 } as const;

/** ISS of a trapped MRS, MSR or SYS. Arm ARM D17.2.37 "ISS encoding for an exception from MSR, MRS, or System instruction". */
function systemIss(key: number, rt: number, read: boolean): number {
  const [op0, op1, crn, crm, op2] = [key >> 14, (key >> 11) & 7, (key >> 7) & 15, (key >> 3) & 15, key & 7];
  return (op0 << 20) | (op2 << 17) | (op1 << 14) | (crn << 10) | (rt << 5) | (crm << 1) | Number(read);
}

/** The implementation of every call that A64 instructions make, for the cluster's active CPU. */
export function makeHostCalls(cluster: Arm64Cluster): EngineHost["hostCalls"] {
  const float = armFloatContext(0);
  const noteUndefined = (cpu: Arm64Cpu): void =>
    cpu.note({ kind: "exception", ec: exceptionClass.unknown, iss: 0, preferredReturn: "this" });
  const trapOrPass = (cpu: Arm64Cpu, key: number, write: boolean): boolean => {
    const permission = cpu.system.permission(key, write);
    if (permission === "allowed") return true;
    if (permission === "undefined") {
      noteUndefined(cpu);
      return false;
    }
    const iss = systemIss(key, cpu.currentRt(), !write);
    const ec = exceptionClass.systemRegister;
    cpu.note({ kind: permission === "trapToEl1" ? "exception" : "trap", ec, iss, preferredReturn: "this" });
    return false;
  };

  const calls = {
    undefinedInstruction: () => noteUndefined(cluster.active),
    unimplementedInstruction: (form: number) => {
      const what = `the instruction form ${a64Encodings[form]?.name ?? form}`;
      cluster.active.note({ kind: "unimplemented", what });
    },
    supervisorCall: (imm: number) =>
      cluster.active.note({ kind: "exception", ec: exceptionClass.svc64, iss: imm, preferredReturn: "next" }),
    hypervisorCall: (imm: number) => {
      const cpu = cluster.active;
      if (cpu.registers.el === 0) noteUndefined(cpu);
      else cpu.note({ kind: "trap", ec: exceptionClass.hvc64, iss: imm, preferredReturn: "next" });
    },
    secureMonitorCall: (imm: number) => {
      const cpu = cluster.active;
      // No EL3: SMC is UNDEFINED unless HCR_EL2.TSC traps it (Arm ARM D1.3.2.4).
      if (cpu.registers.el === 0 || (cpu.controls.hcr & hcr.TSC) === 0n) noteUndefined(cpu);
      else cpu.note({ kind: "trap", ec: exceptionClass.smc64, iss: imm, preferredReturn: "this" });
    },
    breakpointInstruction: (imm: number) => cluster.active.debug.noteBrk(imm),
    haltingBreakpoint: () => noteUndefined(cluster.active),
    debugChangeState: () => noteUndefined(cluster.active),
    debugRestoreState: () => noteUndefined(cluster.active),
    exceptionReturn: () => {
      const cpu = cluster.active;
      if (cpu.registers.el === 0) noteUndefined(cpu);
      else cpu.note({ kind: "exceptionReturn" });
    },
    floatingPointTrap: () => {
      // ISS.CV = 1, COND = 0b1110.
      const conditionValid = 0x1e0_0000;
      cluster.active.note({
        kind: "exception",
        ec: exceptionClass.floatingPoint,
        iss: conditionValid,
        preferredReturn: "this",
      });
    },
    stackAlignmentFault: () =>
      cluster.active.note({
        kind: "exception",
        ec: exceptionClass.spAlignment,
        iss: 0,
        preferredReturn: "this",
      }),
    systemRegisterRead: (key: number): bigint => {
      const cpu = cluster.active;
      if (!trapOrPass(cpu, key, false)) return 0n;
      const value = cpu.system.getByKey(key);
      if (value === undefined) noteUndefined(cpu);
      // An acknowledged interrupt can leave another pending; no read of a CPU's own register changes what is.
      if (registerByKey(key) === undefined) cluster.endRunIfInterrupted(cpu);
      return value ?? 0n;
    },
    systemRegisterWrite: (key: number, value: bigint): void => {
      const cpu = cluster.active;
      if (!trapOrPass(cpu, key, true)) return;
      if (!cpu.system.setByKey(key, BigInt.asUintN(64, value))) noteUndefined(cpu);
      cluster.endRunIfInterrupted(cpu);
    },
    processStateWrite: (field: number, value: number): void => {
      const cpu = cluster.active;
      const { registers } = cpu;
      const op = { spSel: 0o05, daifSet: 0o36, daifClear: 0o37 } as const;
      if (registers.el === 0 && (field === op.spSel || (cpu.system.raw("SCTLR_EL1") & sctlr.UMA) === 0n)) {
        if (field === op.spSel) {
          noteUndefined(cpu);
          return;
        }
        // Arm ARM C6.2 "MSR (immediate)": op0 is 0, CRn 4, CRm the immediate, Rt 31.
        const key = systemRegisterKey(0, field >> 3, 4, value, field & 7);
        const iss = systemIss(key, 31, false);
        cpu.note({ kind: "exception", ec: exceptionClass.systemRegister, iss, preferredReturn: "this" });
        return;
      }
      if (field === op.spSel) registers.setLevel(1, (value & 1) as 0 | 1);
      else if (field === op.daifSet) registers.daif |= value << 6;
      else registers.daif &= ~(value << 6);
      // D also decides whether debug exceptions are enabled.
      if (field !== op.spSel && (value & 8) !== 0) cluster.endRunSoon();
      cluster.endRunIfInterrupted(cpu);
    },
    systemInstruction: (operation: number, value: bigint): void =>
      systemInstruction(cluster, cluster.active, operation, BigInt.asUintN(64, value)),
    systemInstructionResult: (): bigint => {
      noteUndefined(cluster.active);
      return 0n;
    },
    hint: (which: number): void => {
      const cpu = cluster.active;
      if (which === hints.sendEvent) cluster.sendEvent();
      else if (which === hints.sendEventLocal) cpu.eventPending = true;
      else if (which === hints.waitForInterrupt) cpu.noteWait("interrupt");
      else if (which === hints.waitForEvent) {
        if (cpu.eventPending) cpu.eventPending = false;
        else cpu.noteWait("event");
      }
    },
    contextSynchronization: (): void => {
      // What was fetched stays valid until here, although its translation was changed or invalidated.
      cluster.endRunSoon();
    },
    softFloat: (code: number, a: bigint, b: bigint, c: bigint): bigint => {
      const { registers } = cluster.active;
      setFpcr(float, registers.getInt(arm64State.fpcr));
      float.flags = 0;
      const result = invokeFloatOperation64(code, a, b, c, float);
      if (float.flags !== 0) {
        registers.setInt(arm64State.fpsr, registers.getInt(arm64State.fpsr) | float.flags);
        cluster.active.updateFloatingPointMode();
      }
      return result;
    },
    floatingPointControl: (which: number, value: bigint): void => {
      cluster.active.system.set(which === 0 ? "FPCR" : "FPSR", BigInt.asUintN(64, value));
    },
  } as const satisfies Record<Arm64HostCall, (...args: never[]) => unknown>;
  return calls as unknown as EngineHost["hostCalls"];
}
