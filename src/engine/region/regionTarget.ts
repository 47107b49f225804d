import type { Halves, Target } from "../ir/lower.ts";
import type { Access, ConditionNode, FlagsStatement, HeldNode, Node, Place, Statement } from "../ir/node.ts";
import { engineState, tlbEntry } from "../layout.ts";
import { pushCrosses, pushHostAddress, pushPageOf, pushTlbHolds, pushTlbHoldsPlain } from "../tlbLookUp.ts";
import type { FunctionWriter } from "../wasm/function.ts";
import { plainLoad, plainStore } from "../wasm/operators.ts";
import type { ValueType } from "../wasm/types.ts";
import { type CachedFields, pushPart, setPart } from "./cachedFields.ts";
import type { Effects } from "./effects.ts";
import type { LazyFlags } from "./lazyFlags.ts";
import { type AccessSite, forWriting, type NearAccess, type NearAccesses } from "./nearAccesses.ts";
import { packSite } from "./site.ts";

/** Locals of a region's function, and the label of its way out. */
export interface RegionFrame {
  /** Guest-virtual address of the page. */
  readonly base: number;
  /** Base of the data TLB. */
  readonly tlb: number;
  /** What may still be retired after the block being executed, of what the region was given. */
  readonly budget: number;
  /** The way out, as a packed site; set before branching to `exit`. */
  readonly site: number;
  /** Local of each cached field that the region uses. */
  readonly fields: ReadonlyMap<number, number>;
  readonly exit: () => number;
}

/** Where a region's jumps go. */
export interface RegionJumps {
  /** Goes on at this offset from the page's base, which may be outside the page. */
  toOffset(offset: number): void;
  /** Goes on at the address that `pushTarget` leaves on the stack. */
  toAddress(pushTarget: () => void): void;
}

/** The region compiler's half of lowering, for specialised meanings. */
export class RegionTarget implements Target {
  readonly code: FunctionWriter;
  readonly #fields: CachedFields;
  readonly #frame: RegionFrame;
  readonly #flags: LazyFlags;
  readonly #jumps: RegionJumps;
  /** Addresses of guard fields known to be zero. */
  readonly #satisfied = new Set<number>();
  #offset = 0;
  /** Instructions of the block after this one. */
  #following = 0;
  #effects: Effects | undefined;
  #near: ReadonlyMap<AccessSite, NearAccess> | undefined;
  /** Locals with the host address of the lowest byte of near accesses, of which the first has been made. */
  readonly #hosts = new Map<NearAccesses, number>();

  constructor(
    code: FunctionWriter,
    fields: CachedFields,
    frame: RegionFrame,
    flags: LazyFlags,
    jumps: RegionJumps,
  ) {
    this.code = code;
    this.#fields = fields;
    this.#frame = frame;
    this.#flags = flags;
    this.#jumps = jumps;
  }

  beginBlock(): void {
    this.#satisfied.clear();
    for (const host of this.#hosts.values()) this.code.releaseLocal("i32", host);
    this.#hosts.clear();
  }

  /** The instruction at this offset of the page follows, and `following` others of its block after it; `near`: its accesses that have others near them. */
  begin(
    offset: number,
    following: number,
    effects: Effects,
    near: ReadonlyMap<AccessSite, NearAccess> | undefined,
  ): void {
    this.#near = near;
    this.#offset = offset;
    this.#following = following;
    this.#effects = effects;
  }

  /** The instruction is written: what it says about the guards holds for the next one. */
  end(effects: Effects): void {
    for (const guard of effects.guards) this.#satisfied.add(guard);
    if (this.#satisfied.size === 0) return;
    for (const guard of this.#satisfied) {
      const written = effects.writes.some(
        ({ address, bytes }) => address < guard + 4 && guard < address + bytes,
      );
      if (written) this.#satisfied.delete(guard);
    }
  }

  operand(): void {
    throw notSpecialised();
  }

  pc(): void {
    this.code.get(this.#frame.base);
    if (this.#offset === 0) return;
    this.code.i64(BigInt(this.#offset));
    this.code.operator("i64.add");
  }

  read(place: Place, type: ValueType, offset: number): void {
    const address = fixed(place) + offset;
    if (address === engineState.budget.place.address) {
      this.#budget();
      return;
    }
    const at = this.#fields.find(address, type);
    if (at.kind === "field") {
      pushPart(this.code, this.#local(at.field), this.#fields.typeOf(at.field), type, at.offset);
      return;
    }
    this.code.i32(0);
    this.code.load(plainLoad[type], address);
  }

  write(place: Place, type: ValueType, offset: number, pushValue: () => void): void {
    const address = fixed(place) + offset;
    const at = this.#fields.find(address, type);
    if (at.kind === "field") {
      setPart(this.code, this.#local(at.field), this.#fields.typeOf(at.field), type, at.offset, pushValue);
      return;
    }
    this.code.i32(0);
    pushValue();
    this.code.store(plainStore[type], address);
  }

  load(node: Extract<Node, { kind: "load" }>, pushAddress: () => void): void {
    const offset = this.#reach(node, pushAddress);
    this.code.load(node.operator, offset);
  }

  /** Two general registers: by way of a vector register they would take several times as long to get to memory and back. */
  loadHalves(node: Extract<Node, { kind: "load" }>, pushAddress: () => void): void {
    const { code } = this;
    const host = code.takeLocal("i32");
    const offset = this.#reach(node, pushAddress);
    code.tee(host);
    code.load("i64.load", offset);
    code.get(host);
    code.load("i64.load", offset + 8);
    code.releaseLocal("i32", host);
  }

  held(node: HeldNode, pushAddress: () => void): void {
    const { code } = this;
    pushTlbHoldsPlain(code, () => code.get(this.#frame.tlb), pushAddress, node.access);
  }

  store(
    statement: Extract<Statement, { kind: "store" }>,
    pushAddress: () => void,
    pushValue: () => void,
  ): void {
    const offset = this.#reach(statement, pushAddress);
    pushValue();
    this.code.store(statement.operator, offset);
  }

  storeHalves(
    statement: Extract<Statement, { kind: "store" }>,
    pushAddress: () => void,
    pushHalves: Halves<() => void>,
  ): void {
    const { code } = this;
    const host = code.takeLocal("i32");
    const offset = this.#reach(statement, pushAddress);
    code.tee(host);
    pushHalves.low();
    code.store("i64.store", offset);
    code.get(host);
    pushHalves.high();
    code.store("i64.store", offset + 8);
    code.releaseLocal("i32", host);
  }

  jump(pushTarget: () => void): void {
    this.#jumps.toAddress(pushTarget);
  }

  jumpRelative(pushDistance: () => void, distance: number | undefined): void {
    if (distance !== undefined) {
      this.#jumps.toOffset(this.#offset + distance);
      return;
    }
    this.jump(() => {
      this.pc();
      pushDistance();
      this.code.operator("i64.extend_i32_s");
      this.code.operator("i64.add");
    });
  }

  /** The interpreter executes the instruction from its start and makes the call. */
  host(): void {
    this.code.branch(this.#frame.exit());
  }

  raise(): void {
    this.code.branch(this.#frame.exit());
  }

  guard(statement: Extract<Statement, { kind: "guard" }>): void {
    if (this.#satisfied.has(fixed(statement.field))) return;
    this.read(statement.field, "i32", 0);
    this.code.branchIf(this.#frame.exit());
  }

  condition(node: ConditionNode, pushGeneral: () => void): boolean {
    return this.#flags.condition(node, this, pushGeneral);
  }

  flags(statement: FlagsStatement, pushArgument: (index: number) => void): boolean {
    if (this.#effects?.lazy.includes(statement) !== true) return false;
    this.#flags.set(statement, pushArgument);
    return true;
  }

  /** Leaves where the access is not for plain memory at once; pushes a host address, and returns how far behind it the access is. */
  #reach(site: AccessSite, pushAddress: () => void): number {
    const { code } = this;
    const near = this.#near?.get(site);
    const known = near && this.#hosts.get(near.all);
    if (near !== undefined && known !== undefined) {
      code.get(known);
      return near.offset;
    }
    const address = code.takeLocal("i64");
    const entry = code.takeLocal("i32");
    pushAddress();
    code.set(address);
    if (near === undefined) {
      this.#leaveUnlessHeld(address, entry, site.access);
      pushHostAddress(code, address, entry);
    } else {
      this.#leaveUnlessNear(address, entry, site.access, near.all);
      pushHostAddress(code, address, entry);
      if (near.offset !== 0) {
        code.i32(-near.offset);
        code.operator("i32.add");
      }
      const host = code.takeLocal("i32");
      this.#hosts.set(near.all, host);
      code.tee(host);
    }
    code.releaseLocal("i32", entry);
    code.releaseLocal("i64", address);
    return near?.offset ?? 0;
  }

  /** Looks for the first access in the name of all near ones. */
  #leaveUnlessNear(address: number, entry: number, access: Access, all: NearAccesses): void {
    const { code } = this;
    const { from, to } = all;
    // Those that are no further than the first one have no need to be apart.
    const further = from < 0 || to > access.bytes;
    if (further) {
      pushCrosses(code, address, from, to - from);
      code.if();
      code.i32(packSite("apart", this.#offset, this.#following + 1));
      code.set(this.#frame.site);
      code.branch(this.#frame.exit());
      code.end();
    }
    const write = forWriting(access);
    this.#leaveUnlessHeld(address, entry, further ? { ...access, bytes: access.element } : access);
    if (!(write ? all.reads : all.writes)) return;
    code.get(entry);
    code.load("i64.load", write ? tlbEntry.readTag : tlbEntry.writeTag);
    pushPageOf(code, address, access);
    code.operator("i64.ne");
    code.branchIf(this.#frame.exit());
  }

  #leaveUnlessHeld(address: number, entry: number, access: Access): void {
    const { code } = this;
    const pushTlb = (): void => {
      if (access.unprivileged) {
        code.i32(0);
        code.load("i32.load", engineState.unprivilegedTlb.place.address);
      } else {
        code.get(this.#frame.tlb);
      }
    };
    if (access.bytes !== access.element) {
      pushCrosses(code, address, 0, access.bytes);
      code.branchIf(this.#frame.exit());
    }
    pushTlbHolds(code, pushTlb, address, entry, { ...access, bytes: access.element });
    code.operator("i32.eqz");
    code.branchIf(this.#frame.exit());
  }

  /** The state window has what is not the region's; the block has taken its whole length. */
  #budget(): void {
    const { code } = this;
    code.i32(0);
    code.load("i32.load", engineState.budget.place.address);
    code.get(this.#frame.budget);
    code.operator("i32.add");
    code.i32(this.#following);
    code.operator("i32.add");
  }

  #local(field: number): number {
    const local = this.#frame.fields.get(field);
    if (local === undefined) throw new RangeError(`the region has no local for field ${field}`);
    return local;
  }
}

function fixed(place: Place): number {
  if (place.kind !== "fixed") throw notSpecialised();
  return place.address;
}

function notSpecialised(): RangeError {
  return new RangeError("the instruction is not specialised");
}
