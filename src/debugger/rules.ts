/** Who an exit was for. */
export type ExitOwner =
  /** The user of the debugger. */
  | "host"
  /** The guest: it sees what bare hardware would have shown it. */
  | "guest"
  /** The machine: devices, power, waiting. */
  | "machine";

/** Why an exit was whose it was. */
export interface ExitRule {
  /** The row of the requirements that says so. */
  readonly row: string;
  readonly owner: ExitOwner;
  /** For a user who asks. */
  readonly says: string;
}

/** Every rule by which exits are decided. */
export const exitRules = {
  device: { row: "S6", owner: "machine", says: "an access to a device: the machine answers it" },
  wait: { row: "S5.4", owner: "machine", says: "the vCPU waits" },
  power: {
    row: "S6",
    owner: "machine",
    says: "the guest asks for power-off, reset, or says that it crashed",
  },
  hypercall: { row: "S6", owner: "machine", says: "a hypercall for userspace" },
  failure: { row: "S1.4", owner: "machine", says: "the vCPU cannot go on" },
  step: { row: "S5.2", owner: "host", says: "the step that the user asked for is complete" },
  "step-past": {
    row: "S5.2",
    owner: "host",
    says: "the instruction under a breakpoint or watchpoint was executed with that taken away",
  },
  unseen: {
    row: "S1.5",
    owner: "host",
    says: "the user planted an unseen breakpoint here",
  },
  gone: { row: "S1.5", owner: "host", says: "an unseen breakpoint that was removed meanwhile" },
  guard: {
    row: "S1.5",
    owner: "host",
    says: "beside a planted instruction, which is about to be executed and reported itself",
  },
  replaced: {
    row: "S1.5",
    owner: "host",
    says: "the guest has other text or other memory where the user planted an instruction; it is planted again",
  },
  planted: { row: "S1.5", owner: "host", says: "the user planted the breakpoint instruction at PC" },
  alias: {
    row: "S1.5",
    owner: "host",
    says: "a planted instruction reached under another virtual address: the guest's own is executed",
  },
  copy: {
    row: "S1.5",
    owner: "host",
    says: "a copy the guest has made of a planted instruction: the guest's own is put in its place",
  },
  "not-planted": {
    row: "S1.5, S1.6",
    owner: "guest",
    says: "nobody planted the breakpoint instruction at PC: it is the guest's own",
  },
  hardware: { row: "S1.5", owner: "host", says: "the user planted a hardware breakpoint here" },
  "not-hardware": {
    row: "S1.6, S1.8",
    owner: "guest",
    says: "no hardware breakpoint of the user's is at PC: it is the guest's own register that matches",
  },
  watched: { row: "S1.5", owner: "host", says: "the user watches this address" },
  "not-watched": {
    row: "S1.6, S1.8",
    owner: "guest",
    says: "the user watches nothing there: it is the guest's own register that matches",
  },
  "guest-step": {
    row: "S5.5",
    owner: "guest",
    says: "the user has not asked for a step: it is the guest's own",
  },
  masked: {
    row: "S1.8",
    owner: "guest",
    says: "the guest has this debug exception masked: bare hardware would have gone on, and so does the vCPU",
  },
  other: { row: "S1.4", owner: "guest", says: "nothing that a debugger plants" },
  sequence: {
    row: "S5",
    owner: "host",
    says: "the end of a load-exclusive/store-exclusive sequence that is stepped as one",
  },
  placed: { row: "S1.5", owner: "host", says: "the kernel has come to where KASLR has moved it" },
} as const satisfies Readonly<Record<string, ExitRule>>;

/** A rule's name. */
export type ExitRuleName = keyof typeof exitRules;
