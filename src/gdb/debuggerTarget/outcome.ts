import { DebuggerError, type DebuggerErrorReason } from "../../debugger/errors.ts";
import { KvmError } from "../../kvm/errors.ts";
import { type Outcome, type RefusalReason, refuse } from "../refusal.ts";

const reasons: Readonly<Record<DebuggerErrorReason, RefusalReason>> = {
  running: "running",
  ended: "not-attached",
  unmapped: "unmapped",
  exhausted: "exhausted",
  unsupported: "unsupported",
  invalid: "invalid",
};

/** Does something and says how it went: what the debugger or KVM refuses becomes a refusal; other errors are thrown on. */
export function outcomeOf(work: () => void): Outcome {
  try {
    work();
    return "done";
  } catch (error) {
    if (error instanceof DebuggerError) return refuse(reasons[error.reason], error.message);
    if (error instanceof KvmError)
      return refuse(error.errno === "EFAULT" ? "unmapped" : "invalid", error.message);
    throw error;
  }
}
