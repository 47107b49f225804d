import type { Signature } from "../../engine/wasm/types.ts";

/**
 * What A64 instructions ask of the CPU's TypeScript. Those marked "abandons" raise an exception or leave the guest, and the
 * instruction does not complete in WebAssembly.
 */
export const arm64HostCalls = {
  /** Abandons: the word is not an instruction, or not at this Exception level. */
  undefinedInstruction: { params: [] },
  /** Abandons: decoded, but this build has no semantics for the form; the machine stops and names it. */
  unimplementedInstruction: { params: ["i32"] },
  /** Abandons: SVC #imm16. */
  supervisorCall: { params: ["i32"] },
  /** Abandons: HVC #imm16. */
  hypervisorCall: { params: ["i32"] },
  /** Abandons: SMC #imm16. */
  secureMonitorCall: { params: ["i32"] },
  /** Abandons: BRK #imm16. */
  breakpointInstruction: { params: ["i32"] },
  /** Abandons: HLT #imm16. */
  haltingBreakpoint: { params: ["i32"] },
  /** Abandons: DCPS1–3 #imm16 (first the level, then the immediate). */
  debugChangeState: { params: ["i32", "i32"] },
  /** Abandons: ERET; the CPU sets PC and PSTATE itself. */
  exceptionReturn: { params: [] },
  /** Abandons: DRPS. */
  debugRestoreState: { params: [] },
  /** Abandons: an FP or SIMD instruction while they are trapped. */
  floatingPointTrap: { params: [] },
  /** Abandons: the target of a branch or a stack pointer is misaligned; the argument is the address. */
  stackAlignmentFault: { params: [] },
  /** MRS: op0:op1:CRn:CRm:op2 in 16 bits (op0 in 15:14). May abandon. */
  systemRegisterRead: { params: ["i32"], result: "i64" },
  /** MSR (register). May abandon. */
  systemRegisterWrite: { params: ["i32", "i64"] },
  /** MSR (immediate): op1:op2 in bits 5:3 and 2:0, CRm. May abandon. */
  processStateWrite: { params: ["i32", "i32"] },
  /** SYS: op1:CRn:CRm:op2 in 14 bits, Xt. May abandon. */
  systemInstruction: { params: ["i32", "i64"] },
  /** SYSL. May abandon. */
  systemInstructionResult: { params: ["i32"], result: "i64" },
  /** HINT with an effect: CRm:op2 (1 YIELD, 2 WFE, 3 WFI, 4 SEV, 5 SEVL). May abandon. */
  hint: { params: ["i32"] },
  /** ISB, so that the CPU can end the run after it. */
  contextSynchronization: { params: [] },
  /**
   * Floating point outside what WebAssembly's own arithmetic does exactly: operation number of the soft-float table,
   * then operands as raw bits. Returns the result's raw bits, updates FPSR. Never abandons.
   */
  softFloat: { params: ["i32", "i64", "i64", "i64"], result: "i64" },
  /** FPCR or FPSR was written; the argument is 0 for FPCR, 1 for FPSR; then the value. */
  floatingPointControl: { params: ["i32", "i64"] },
} as const satisfies Record<string, Signature>;

/** Name of a host call. */
export type Arm64HostCall = keyof typeof arm64HostCalls;
