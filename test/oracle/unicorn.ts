import { existsSync } from "node:fs";
import koffi, { type TypeObject } from "koffi";

/**
 * An independent arm64 CPU to compare with: Unicorn 2.0.1 (Debian's libunicorn2), called through koffi.
 *
 * What is compared is user-visible instruction semantics: the MMU is off, the CPU runs at EL1h with FP enabled, and an
 * exception ends the run as a value instead of entering a vector. One engine serves millions of runs: each run starts from
 * a saved context (which also clears the exclusive monitor), and the code page's old translations are dropped first.
 *
 * Where Unicorn 2.0.1 differs from a CPU, so that a difference is not ours:
 * - WFI ends the run: `ok`, with `executed` less than asked for. So does a branch to address 0.
 * - HVC is undefined (there is no EL2); an unaligned PC is reported as `undefined` too.
 * - no syndrome: an exception is known by its index only ({@link EXCEPTION_NAMES}).
 * - the MMU being off does not make memory Device: unaligned accesses succeed, but for exclusive and LSE instructions, which
 *   end with DATA_ABORT.
 * - addresses are not checked against the physical address size: beyond it they are plain unmapped.
 * - of an access that spans into an unmapped page the address reported is that page's first.
 */

const LIBRARY_PATHS = [
  "/usr/lib/x86_64-linux-gnu/libunicorn.so.2",
  "/usr/lib/aarch64-linux-gnu/libunicorn.so.2",
  "/usr/lib64/libunicorn.so.2",
  "/usr/local/lib/libunicorn.so.2",
];

const libraryPath = LIBRARY_PATHS.find((path) => existsSync(path));

/** Whether libunicorn.so.2 is installed here; for `describe.skipIf(!unicornAvailable)`. */
export const unicornAvailable: boolean = libraryPath !== undefined;

// unicorn.h, arm64.h (2.0.1)
const UC_ARCH_ARM64 = 2;
const UC_MODE_ARM = 0;
const UC_PROT_ALL = 7;
const UC_HOOK_INTR = 1;
const UC_HOOK_CODE = 4;
const UC_HOOK_MEM_INVALID = 1008;
const UC_CTL_SET_CPU_MODEL = 0x4400_0007;
const UC_CTL_TB_REMOVE_CACHE = 0x4800_0009;
const UC_ERR_OK = 0;
const UC_ERR_INSN_INVALID = 10;
const UC_MEM_ACCESS: Readonly<Record<number, { access: MemoryAccess; fault: "unmapped" | "protected" }>> = {
  19: { access: "read", fault: "unmapped" },
  20: { access: "write", fault: "unmapped" },
  21: { access: "fetch", fault: "unmapped" },
  22: { access: "write", fault: "protected" },
  23: { access: "read", fault: "protected" },
  24: { access: "fetch", fault: "protected" },
};
const REG_X0 = 199;
const REG_X29 = 1;
const REG_X30 = 2;
const REG_NZCV = 3;
const REG_SP = 4;
const REG_Q0 = 104;
const REG_PC = 260;
const REG_FPCR = 291;
const REG_FPSR = 292;

/** Unicorn's CPU models for arm64, in the order of `uc_cpu_arm64`. */
const CPU_MODELS = ["cortex-a57", "cortex-a53", "cortex-a72", "max"] as const;

/** A CPU model of Unicorn's. `max` has Armv8.5's LSE, FP16, FCMA, JSCVT, FlagM, SHA3, SM4, DotProd, PAuth, BTI, SVE; the others are Armv8.0 with crypto. */
export type UnicornCpuModel = (typeof CPU_MODELS)[number];

/** How memory was touched when an access failed. */
export type MemoryAccess = "read" | "write" | "fetch";

/** A range of guest memory: a page-aligned guest address and a size in bytes, a multiple of 4096. */
export type UnicornWindow = { readonly address: bigint; readonly size: number };

/**
 * How a run ended. `pc` is the PC the CPU stands at: for a failing instruction its own address (after SVC, HVC and SMC the
 * next one). `executed` counts the instructions that completed; the failing one is not among them.
 */
export type UnicornOutcome = { readonly pc: bigint; readonly executed: number } & UnicornEnd;

/** Why a run ended: all instructions executed, or what the next one met. */
export type UnicornEnd =
  | { readonly kind: "ok" }
  | {
      readonly kind: "memory";
      readonly access: MemoryAccess;
      readonly fault: "unmapped" | "protected";
      readonly address: bigint;
      readonly size: number;
    }
  | { readonly kind: "undefined" }
  | { readonly kind: "exception"; readonly index: number; readonly name: string }
  | { readonly kind: "error"; readonly code: number; readonly message: string };

const EXCP_UDEF = 1;

/** Names of QEMU's arm64 exception indices, as Unicorn's interrupt hook reports them. */
export const EXCEPTION_NAMES: Readonly<Record<number, string>> = {
  [EXCP_UDEF]: "UDEF",
  2: "SVC",
  3: "PREFETCH_ABORT",
  4: "DATA_ABORT",
  7: "BKPT",
  11: "HVC",
  12: "HYP_TRAP",
  13: "SMC",
  16: "SEMIHOST",
  17: "NOCP",
  18: "INVSTATE",
};

/** A fault of the library or of how it was called, with its error text. */
export class UnicornError extends Error {
  override readonly name = "UnicornError";
}

/**
 * Unicorn 2.0.1 never reuses the room of a dropped translation, crashes when its 1 GiB is full (two million short runs), and
 * its own flush touches all of that GiB; so the engine is opened anew (under 1 ms) before it has grown by about 60 MB.
 */
const RUNS_PER_ENGINE = 100_000;
const BRANCH_TO_SELF = 0x1400_0000;
const PAGE = 4096;

const REGISTERS: readonly { readonly id: number; readonly offset: number }[] = [
  ...Array.from({ length: 29 }, (_, n) => ({ id: REG_X0 + n, offset: n * 8 })),
  { id: REG_X29, offset: 29 * 8 },
  { id: REG_X30, offset: 30 * 8 },
  { id: REG_SP, offset: 31 * 8 },
  { id: REG_PC, offset: 32 * 8 },
  { id: REG_NZCV, offset: 33 * 8 },
  { id: REG_FPCR, offset: 34 * 8 },
  { id: REG_FPSR, offset: 35 * 8 },
  ...Array.from({ length: 32 }, (_, n) => ({ id: REG_Q0 + n, offset: 36 * 8 + n * 16 })),
];
const REGISTER_BYTES = 36 * 8 + 32 * 16;

/**
 * Allocate zeroed, page-aligned memory that native code may keep a pointer to.
 * @returns its address and an ArrayBuffer over the same bytes.
 */
function allocateNative(size: number, align: number): { base: bigint; pointer: bigint; bytes: ArrayBuffer } {
  const pointer: bigint = koffi.alloc("uint8_t", size + align);
  const base = koffi.address(pointer);
  const aligned = ((base + BigInt(align) - 1n) / BigInt(align)) * BigInt(align);
  const bytes = koffi.view(aligned, size);
  new Uint8Array(bytes).fill(0);
  return { base: aligned, pointer, bytes };
}

function bindLibrary(path: string) {
  const lib = koffi.load(path);
  return {
    open: lib.func("int uc_open(int arch, int mode, _Out_ uintptr_t *uc)"),
    close: lib.func("int uc_close(uintptr_t uc)"),
    strerror: lib.func("const char *uc_strerror(int code)"),
    control: lib.func("int uc_ctl(uintptr_t uc, uint32_t control, ...)"),
    mapPointer: lib.func(
      "int uc_mem_map_ptr(uintptr_t uc, uint64_t address, size_t size, uint32_t perms, uintptr_t ptr)",
    ),
    hookAdd: lib.func(
      "int uc_hook_add(uintptr_t uc, _Out_ uintptr_t *hook, int type, uintptr_t callback, uintptr_t user, uint64_t begin, uint64_t end, ...)",
    ),
    contextAlloc: lib.func("int uc_context_alloc(uintptr_t uc, _Out_ uintptr_t *context)"),
    contextSave: lib.func("int uc_context_save(uintptr_t uc, uintptr_t context)"),
    contextRestore: lib.func("int uc_context_restore(uintptr_t uc, uintptr_t context)"),
    contextFree: lib.func("int uc_context_free(uintptr_t context)"),
    registerWrite: lib.func(
      "int uc_reg_write_batch(uintptr_t uc, uintptr_t regs, uintptr_t vals, int count)",
    ),
    registerRead: lib.func("int uc_reg_read_batch(uintptr_t uc, uintptr_t regs, uintptr_t vals, int count)"),
    start: lib.func(
      "int uc_emu_start(uintptr_t uc, uint64_t begin, uint64_t until, uint64_t timeout, size_t count)",
    ),
    stop: lib.func("int uc_emu_stop(uintptr_t uc)"),
  };
}

const api = libraryPath === undefined ? undefined : bindLibrary(libraryPath);

// uc_cb_eventmem_t, uc_cb_hookintr_t and uc_cb_hookcode_t.
const MEMORY_HOOK = koffi.proto("bool", ["uintptr_t", "int", "uint64_t", "int", "int64_t", "uintptr_t"]);
const CODE_HOOK = koffi.proto("void", ["uintptr_t", "uint64_t", "uint32_t", "uintptr_t"]);
const INTERRUPT_HOOK = koffi.proto("void", ["uintptr_t", "uint32_t", "uintptr_t"]);

/** The registers of a {@link UnicornArm64}: set before a run, read after it. All views are over one native buffer. */
export class UnicornRegisters {
  /** X0 to X30. */
  readonly x: BigUint64Array;
  /** V0 to V31 as 64 words: V`n` has its low half at `2n`, its high half at `2n + 1`. */
  readonly v: BigUint64Array;
  readonly #words: BigUint64Array;

  constructor(buffer: ArrayBuffer) {
    this.x = new BigUint64Array(buffer, 0, 31);
    this.v = new BigUint64Array(buffer, 36 * 8, 64);
    this.#words = new BigUint64Array(buffer, 0, 36);
  }

  /** The stack pointer of the current exception level (SP_EL1). */
  get sp(): bigint {
    return this.#words[31] ?? 0n;
  }
  set sp(value: bigint) {
    this.#words[31] = value;
  }
  /** The PC; set by each run from the address of its code. */
  get pc(): bigint {
    return this.#words[32] ?? 0n;
  }
  set pc(value: bigint) {
    this.#words[32] = value;
  }
  /** The condition flags in bits 31 to 28, all other bits zero (as MRS NZCV gives them). */
  get nzcv(): number {
    return Number((this.#words[33] ?? 0n) & 0xf000_0000n);
  }
  set nzcv(value: number) {
    this.#words[33] = BigInt(value >>> 0);
  }
  get fpcr(): number {
    return Number((this.#words[34] ?? 0n) & 0xffff_ffffn);
  }
  set fpcr(value: number) {
    this.#words[34] = BigInt(value >>> 0);
  }
  get fpsr(): number {
    return Number((this.#words[35] ?? 0n) & 0xffff_ffffn);
  }
  set fpsr(value: number) {
    this.#words[35] = BigInt(value >>> 0);
  }

  /** Set every register to zero. */
  clear(): void {
    this.#words.fill(0n);
    this.v.fill(0n);
  }
}

type Region = {
  readonly address: bigint;
  readonly size: number;
  readonly bytes: Uint8Array;
  readonly pointer: bigint;
};

/** Where to map what, and which CPU. */
export type UnicornOptions = {
  /** Where code runs. Default: one page at 0x40_0000. */
  readonly code?: UnicornWindow;
  /** Memory the code may touch. Default: four pages at 0x1000_0000. */
  readonly data?: readonly UnicornWindow[];
  /** Default `max`: the only one with LSE; it accepts more encodings than an Armv8.1 core, so choose `cortex-a57` to ask what Armv8.0 leaves undefined. */
  readonly cpu?: UnicornCpuModel;
};

/** One Unicorn engine with fixed memory windows. Close it when done. */
export class UnicornArm64 {
  /** Register values: inputs before {@link run}, outputs after it. */
  readonly registers: UnicornRegisters;
  readonly #api: ReturnType<typeof bindLibrary>;
  readonly #model: number;
  #uc = 0n;
  #context = 0n;
  readonly #code: Region;
  readonly #codeWords: Uint32Array;
  readonly #codeAddress: bigint;
  readonly #data: readonly Region[];
  readonly #registerIds: bigint;
  readonly #registerPointers: bigint;
  readonly #allocations: bigint[] = [];
  readonly #memoryCallback: bigint;
  readonly #interruptCallback: bigint;
  readonly #codeCallback: bigint;
  #dirtyWords = 0;
  #memoryFault:
    | { access: MemoryAccess; fault: "unmapped" | "protected"; address: bigint; size: number }
    | undefined;
  #exception: number | undefined;
  #runs = 0;
  /** Instructions begun in this run. */
  #started = 0;
  #closed = false;

  constructor(options: UnicornOptions = {}) {
    if (api === undefined) {
      throw new UnicornError(
        `libunicorn.so.2 is not installed (Debian: apt-get install libunicorn2); looked in ${LIBRARY_PATHS.join(", ")}`,
      );
    }
    this.#api = api;
    this.#model = CPU_MODELS.indexOf(options.cpu ?? "max");
    const code = options.code ?? { address: 0x40_0000n, size: PAGE };
    const data = options.data ?? [{ address: 0x1000_0000n, size: 4 * PAGE }];
    this.#code = this.#allocateWindow(code);
    this.#data = data.map((window) => this.#allocateWindow(window));
    this.#codeWords = new Uint32Array(this.#code.bytes.buffer, this.#code.bytes.byteOffset, code.size / 4);
    this.#codeWords.fill(BRANCH_TO_SELF);
    this.#codeAddress = code.address;

    const registers = this.#allocate(REGISTER_BYTES, 16);
    const ids = this.#allocate(REGISTERS.length * 4, 16);
    const pointers = this.#allocate(REGISTERS.length * 8, 16);
    const idWords = new Int32Array(ids.bytes);
    const pointerWords = new BigUint64Array(pointers.bytes);
    REGISTERS.forEach((register, n) => {
      idWords[n] = register.id;
      pointerWords[n] = registers.base + BigInt(register.offset);
    });
    this.registers = new UnicornRegisters(registers.bytes);
    this.#registerIds = ids.base;
    this.#registerPointers = pointers.base;

    this.#memoryCallback = this.#register(MEMORY_HOOK, (_uc, type, address, size) => {
      const how = UC_MEM_ACCESS[Number(type)];
      if (how !== undefined) {
        this.#memoryFault ??= { ...how, address: BigInt.asUintN(64, BigInt(address)), size: Number(size) };
      }
      return false;
    });
    this.#interruptCallback = this.#register(INTERRUPT_HOOK, (_uc, index) => {
      this.#exception ??= Number(index);
      this.#api.stop(this.#uc);
    });
    this.#codeCallback = this.#register(CODE_HOOK, () => {
      this.#started++;
    });
    this.#openEngine();
  }

  /**
   * The bytes of mapped memory, shared with the engine: writes are seen by the next run.
   * @param address a guest address inside one data window (or the code window, for reading back)
   * @param length bytes; the range must lie in one window
   */
  memory(address: bigint, length: number): Uint8Array {
    for (const region of [...this.#data, this.#code]) {
      const offset = Number(address - region.address);
      if (offset >= 0 && offset + length <= region.size)
        return region.bytes.subarray(offset, offset + length);
    }
    throw new UnicornError(`0x${address.toString(16)}+${length} is in no mapped window`);
  }

  /**
   * Run instructions from {@link registers} and read every register back into it.
   * @param words A64 instruction words, placed at `at`; the rest of the code window is filled with branches to themselves
   * @param count how many instructions to execute (branches taken count once each); default: all words once
   * @param at where to place the words, a multiple of 4 in the code window; default its start
   * @returns how the run ended. `count` instructions executed is `ok`, also when the last one branched to unmapped memory.
   */
  run(
    words: ArrayLike<number>,
    count: number = words.length,
    at: bigint = this.#codeAddress,
  ): UnicornOutcome {
    if (this.#closed) throw new UnicornError("this engine is closed");
    if (count < 1) throw new UnicornError(`count must be at least 1, not ${count}`);
    if (++this.#runs > RUNS_PER_ENGINE) {
      this.#closeEngine();
      this.#openEngine();
    }
    this.#placeCode(words, at);
    const api = this.#api;
    const uc = this.#uc;
    this.#memoryFault = undefined;
    this.#exception = undefined;
    this.#started = 0;
    api.contextRestore(uc, this.#context);
    this.registers.pc = at;
    api.registerWrite(uc, this.#registerIds, this.#registerPointers, REGISTERS.length);
    // `until` 0 means no end address: Unicorn stops by count only, and has no translation to drop afterwards.
    const code: number = api.start(uc, at, 0, 0, count);
    api.registerRead(uc, this.#registerIds, this.#registerPointers, REGISTERS.length);
    const end = this.#end(code, count);
    const fetchFailed = end.kind === "memory" && end.access === "fetch";
    const executed = end.kind === "ok" || fetchFailed ? this.#started : this.#started - 1;
    return { ...end, pc: this.registers.pc, executed };
  }

  /** Free the engine and its memory. Views from {@link memory} and {@link registers} must not be used afterwards. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closeEngine();
    koffi.unregister(this.#memoryCallback);
    koffi.unregister(this.#interruptCallback);
    koffi.unregister(this.#codeCallback);
    for (const pointer of this.#allocations) koffi.free(pointer);
  }

  #end(code: number, count: number): UnicornEnd {
    const memoryFault = this.#memoryFault;
    if (memoryFault !== undefined) {
      // Unicorn looks for the instruction after the last one before it stops; that is not part of the run.
      if (memoryFault.access === "fetch" && this.#started === count) return { kind: "ok" };
      return { kind: "memory", ...memoryFault };
    }
    if (this.#exception !== undefined) {
      const index = this.#exception;
      if (index === EXCP_UDEF) return { kind: "undefined" };
      return { kind: "exception", index, name: EXCEPTION_NAMES[index] ?? `EXCP_${index}` };
    }
    if (code === UC_ERR_OK) return { kind: "ok" };
    if (code === UC_ERR_INSN_INVALID) return { kind: "undefined" };
    return { kind: "error", code, message: this.#api.strerror(code) };
  }

  #placeCode(words: ArrayLike<number>, at: bigint): void {
    const first = Number(at - this.#codeAddress);
    if (first < 0 || first % 4 !== 0 || first / 4 + words.length > this.#codeWords.length) {
      throw new UnicornError(`${words.length} words at 0x${at.toString(16)} do not fit the code window`);
    }
    // Everything written last time becomes a branch to itself again, so that a run never meets an older run's code.
    this.#codeWords.fill(BRANCH_TO_SELF, 0, this.#dirtyWords);
    for (let n = 0; n < words.length; n++) this.#codeWords[first / 4 + n] = (words[n] ?? 0) >>> 0;
    this.#dirtyWords = Math.max(this.#dirtyWords, first / 4 + words.length);
    // The words changed behind the engine's back: without this it would run the old translation.
    const last = this.#codeAddress + BigInt(this.#dirtyWords * 4);
    this.#api.control(this.#uc, UC_CTL_TB_REMOVE_CACHE, "uint64_t", this.#codeAddress, "uint64_t", last);
    this.#dirtyWords = first / 4 + words.length;
  }

  #openEngine(): void {
    const { open, control, mapPointer, hookAdd, contextAlloc, contextSave } = this.#api;
    const handle: (bigint | number)[] = [0];
    this.#check("uc_open", open(UC_ARCH_ARM64, UC_MODE_ARM, handle));
    this.#uc = BigInt(handle[0] ?? 0);
    this.#check("uc_ctl_set_cpu_model", control(this.#uc, UC_CTL_SET_CPU_MODEL, "int", this.#model));
    for (const { address, size, pointer } of [this.#code, ...this.#data]) {
      this.#check("uc_mem_map_ptr", mapPointer(this.#uc, address, size, UC_PROT_ALL, pointer));
    }
    const hooks = [
      [UC_HOOK_MEM_INVALID, this.#memoryCallback],
      [UC_HOOK_INTR, this.#interruptCallback],
      [UC_HOOK_CODE, this.#codeCallback],
    ] as const;
    for (const [type, callback] of hooks) {
      // begin > end: at any address.
      this.#check("uc_hook_add", hookAdd(this.#uc, handle, type, callback, 0, 1, 0));
    }
    this.#check("uc_context_alloc", contextAlloc(this.#uc, handle));
    this.#context = BigInt(handle[0] ?? 0);
    this.#check("uc_context_save", contextSave(this.#uc, this.#context));
    this.#runs = 0;
  }

  #closeEngine(): void {
    this.#api.contextFree(this.#context);
    this.#api.close(this.#uc);
  }

  #allocateWindow(window: UnicornWindow): Region {
    if (window.address % BigInt(PAGE) !== 0n || window.size <= 0 || window.size % PAGE !== 0) {
      throw new UnicornError(
        `window 0x${window.address.toString(16)}+${window.size}: address and size must be multiples of ${PAGE}`,
      );
    }
    const native = this.#allocate(window.size, PAGE);
    return { ...window, bytes: new Uint8Array(native.bytes), pointer: native.base };
  }

  #allocate(size: number, align: number): { base: bigint; bytes: ArrayBuffer } {
    const native = allocateNative(size, align);
    this.#allocations.push(native.pointer);
    return native;
  }

  #register(prototype: TypeObject, callback: (...args: (number | bigint)[]) => unknown): bigint {
    return koffi.register(callback, koffi.pointer(prototype));
  }

  #check(what: string, code: number): void {
    if (code !== UC_ERR_OK) throw new UnicornError(`${what}: ${this.#api.strerror(code)} (${code})`);
  }
}
