/** One field of a flags or union type. */
export interface TypeField {
  readonly name: string;
  /** Flags: lowest bit. */
  readonly start?: number;
  /** Flags: highest bit, inclusive. */
  readonly end?: number;
  /** Union: the member's type. Flags: the type of a field of several bits. */
  readonly type?: string;
}

/** A register type of a feature, in gdb's terms ("Target Description Format"). */
export type RegisterType =
  | { readonly kind: "vector"; readonly id: string; readonly element: string; readonly count: number }
  | { readonly kind: "union"; readonly id: string; readonly fields: readonly TypeField[] }
  /** `bytes` is the size of the register. */
  | {
      readonly kind: "flags";
      readonly id: string;
      readonly bytes: number;
      readonly fields: readonly TypeField[];
    };

/** What a register is for, in LLDB's words. */
export type GenericRole = "pc" | "sp" | "fp" | "ra" | "flags" | `arg${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8}`;

/** One register. */
export interface RegisterDescription {
  readonly name: string;
  /** The number it has in the protocol. Unique over all features; gaps are allowed. */
  readonly regnum: number;
  readonly bits: number;
  /** A type gdb knows (`int`, `uint64`, `data_ptr`, `code_ptr`, …) or one of the feature's own. */
  readonly type: string;
  /** gdb's register group, such as `general`, `vector`, `system`. */
  readonly group?: string | undefined;
  readonly generic?: GenericRole | undefined;
  readonly alternativeName?: string | undefined;
  /** Number in DWARF and in .eh_frame. */
  readonly dwarf?: number | undefined;
  /** false: gdb does not save and restore it around a function call in the guest. */
  readonly saveRestore?: boolean | undefined;
}

/** A set of registers gdb knows by a name; sent as a document of its own. */
export interface FeatureDescription {
  /** Such as `org.gnu.gdb.aarch64.core`. */
  readonly name: string;
  /** Name of its document, such as `aarch64-core.xml`. */
  readonly annex: string;
  /** LLDB's name for the set, such as `General Purpose Registers`. */
  readonly title: string;
  /** Its registers are part of the `g` packet. The others are read one by one, when somebody looks. */
  readonly general: boolean;
  readonly types: readonly RegisterType[];
  readonly registers: readonly RegisterDescription[];
}

/** A CPU as the debugger has to know it. */
export interface ArchitectureDescription {
  /** gdb's name (`set architecture`), such as `aarch64`. */
  readonly name: string;
  /** LLVM target triple, such as `aarch64-unknown-none`. */
  readonly triple: string;
  readonly endian: "little" | "big";
  readonly pointerBytes: 4 | 8;
  /** Whether a watchpoint stops with PC at the access, not yet done, or after it. */
  readonly watchpointsReported: "before" | "after";
  /** Registers sent along with each stop, so that the client need not ask: PC and SP at least. */
  readonly expedited: readonly number[];
  readonly features: readonly FeatureDescription[];
}
