import { lower } from "../ir/lower.ts";
import { engineState } from "../layout.ts";
import { FunctionWriter } from "../wasm/function.ts";
import { plainLoad, plainStore } from "../wasm/operators.ts";
import type { Signature } from "../wasm/types.ts";
import type { FlagMeanings } from "./flagMeanings.ts";
import { LazyFlags } from "./lazyFlags.ts";
import { backEdges, findLoops } from "./loops.ts";
import { nearAccesses } from "./nearAccesses.ts";
import type { PlannedBlock, RegionPlan } from "./plan.ts";
import { type RegionFrame, type RegionJumps, RegionTarget } from "./regionTarget.ts";
import { packSite, type RegionExit, siteBits, slotBits } from "./site.ts";
import { RegionStructure } from "./structure.ts";

/**
 * A region's function: (virtual address of its page, number of the block to begin with, instructions it may retire) → the
 * instructions left in the upper half, the packed site in the lower. The state window's budget is what may be retired after these.
 */
export const regionSignature: Signature = { params: ["i64", "i32", "i32"], result: "i64" };

/** What a region must know of the records of its page. */
export interface RegionPlace {
  /** What the upper 24 bits of the slot of a record are where this region has a block. */
  readonly owner: number;
  /** Address of the slots of the page. */
  readonly slots: number;
  /** Whether accesses near each other are often in two pages, and each is to look for itself. */
  readonly apart?: boolean;
}

const pageBytes = 0x1000;

/**
 * Writes the function of a planned region:
 *
 *     load the used fields
 *     block exit
 *       the blocks in the order of their offsets: see `RegionStructure`
 *     end
 *     make the flags right, store the dirty fields, the result
 */
export function writeRegion(plan: RegionPlan, meanings: FlagMeanings, place: RegionPlace): FunctionWriter {
  return new RegionWriter(plan, meanings, place).write();
}

class RegionWriter implements RegionJumps {
  readonly #plan: RegionPlan;
  readonly #place: RegionPlace;
  readonly #code = new FunctionWriter(regionSignature);
  readonly #base = 0;
  readonly #entry = 1;
  readonly #budget = 2;
  readonly #frame: RegionFrame;
  readonly #flags: LazyFlags;
  readonly #target: RegionTarget;
  /** Number of the block that begins at an offset. */
  readonly #numbers: ReadonlyMap<number, number>;
  readonly #structure: RegionStructure;
  #exit = 0;

  constructor(plan: RegionPlan, meanings: FlagMeanings, place: RegionPlace) {
    this.#plan = plan;
    this.#place = place;
    const code = this.#code;
    this.#numbers = new Map(plan.blocks.map(({ offset }, number) => [offset, number]));
    this.#frame = {
      base: this.#base,
      tlb: code.takeLocal("i32"),
      budget: this.#budget,
      site: code.takeLocal("i32"),
      fields: new Map(plan.used.map((field) => [field, code.takeLocal(plan.fields.typeOf(field))])),
      exit: () => this.#exit,
    };
    const loops = findLoops(plan.blocks.length, backEdges(plan.blocks, this.#numbers));
    this.#structure = new RegionStructure(code, this.#entry, loops);
    const effects = plan.blocks.flatMap((block) => block.effects);
    this.#flags = new LazyFlags(code, meanings, effects);
    this.#target = new RegionTarget(code, plan.fields, this.#frame, this.#flags, this);
  }

  write(): FunctionWriter {
    const code = this.#code;
    this.#fill();
    this.#exit = code.block();
    this.#structure.write((number) => {
      const block = this.#plan.blocks[number];
      if (block !== undefined) this.#block(block, this.#plan.blocks[number + 1]?.offset);
    });
    code.end();
    this.#leave();
    return code;
  }

  toOffset(offset: number): void {
    const number = this.#numbers.get(offset);
    if (number !== undefined) {
      this.#structure.branchTo(number);
    } else if (offset >= 0 && offset < pageBytes) {
      this.#exitTo("jump", offset);
    } else {
      this.#storePc(() => {
        this.#code.get(this.#base);
        this.#code.i64(BigInt(offset));
        this.#code.operator("i64.add");
      });
      this.#exitTo("left", 0);
    }
  }

  toAddress(pushTarget: () => void): void {
    const code = this.#code;
    const target = code.takeLocal("i64");
    const offset = code.takeLocal("i64");
    const slot = code.takeLocal("i32");
    pushTarget();
    code.tee(target);
    code.get(this.#base);
    code.operator("i64.sub");
    code.tee(offset);
    code.i64(~BigInt(pageBytes - 4));
    code.operator("i64.and");
    code.operator("i64.eqz");
    code.if();
    // Within the page: where this region has a block, the record's slot says so.
    code.get(offset);
    code.operator("i32.wrap_i64");
    code.load("i32.load", this.#place.slots);
    code.tee(slot);
    code.i32(8);
    code.operator("i32.shr_u");
    code.i32(this.#place.owner);
    code.operator("i32.eq");
    code.if();
    this.#structure.dispatch(() => {
      code.get(slot);
      code.i32(slotBits.blockMask);
      code.operator("i32.and");
    });
    code.end();
    code.end();
    this.#storePc(() => code.get(target));
    this.#exitTo("left", 0);
    code.releaseLocal("i32", slot);
    code.releaseLocal("i64", offset);
    code.releaseLocal("i64", target);
  }

  #fill(): void {
    const code = this.#code;
    const { used, fields } = this.#plan;
    for (const field of used) {
      code.i32(0);
      code.load(plainLoad[fields.typeOf(field)], fields.addressOf(field));
      code.set(this.#local(field));
    }
    code.i32(0);
    code.load("i32.load", engineState.tlb.place.address);
    code.set(this.#frame.tlb);
  }

  #block(block: PlannedBlock, nextOffset: number | undefined): void {
    const code = this.#code;
    const { instructions, effects } = block;
    const length = instructions.length;
    // A budget smaller than the block is for the interpreter.
    this.#setSite(packSite("short", block.offset, length));
    code.get(this.#budget);
    code.i32(length);
    code.operator("i32.sub");
    code.tee(this.#budget);
    code.i32(0);
    code.operator("i32.lt_s");
    code.branchIf(this.#exit);
    this.#flags.beginBlock();
    this.#target.beginBlock();
    const near = this.#place.apart === true ? [] : nearAccesses(instructions, this.#plan.fields);
    instructions.forEach((instruction, index) => {
      const does = effects[index] ?? instruction.effects;
      const offset = block.offset + 4 * index;
      this.#target.begin(offset, length - index - 1, does, near[index]);
      this.#flags.beginInstruction(does, this.#target);
      if (does.sideExits) this.#setSite(packSite("side", offset, length - index));
      lower(instruction.meaning, this.#target, undefined, instruction.analysis);
      this.#flags.endInstruction(does);
      this.#target.end(does);
    });
    if (effects.at(-1)?.fallsThrough === false) return;
    const end = block.offset + 4 * length;
    if (end === nextOffset) return;
    if (block.blocked) this.#exitTo("side", end);
    else this.toOffset(end);
  }

  #setSite(site: number): void {
    this.#code.i32(site);
    this.#code.set(this.#frame.site);
  }

  #exitTo(kind: RegionExit, offset: number): void {
    this.#setSite(packSite(kind, offset, 0));
    this.#code.branch(this.#exit);
  }

  #storePc(pushPc: () => void): void {
    this.#code.i32(0);
    pushPc();
    this.#code.store("i64.store", engineState.pc.place.address);
  }

  #leave(): void {
    const code = this.#code;
    const { dirty, fields } = this.#plan;
    this.#flags.settleAll(this.#target);
    for (const field of dirty) {
      code.i32(0);
      code.get(this.#local(field));
      code.store(plainStore[fields.typeOf(field)], fields.addressOf(field));
    }
    code.get(this.#budget);
    code.get(this.#frame.site);
    code.i32(siteBits.unretired);
    code.operator("i32.shr_u");
    code.i32(siteBits.unretiredMask);
    code.operator("i32.and");
    code.operator("i32.add");
    code.operator("i64.extend_i32_u");
    code.i64(32n);
    code.operator("i64.shl");
    code.get(this.#frame.site);
    code.operator("i64.extend_i32_u");
    code.operator("i64.or");
  }

  #local(field: number): number {
    const local = this.#frame.fields.get(field);
    if (local === undefined) throw new RangeError(`the region has no local for field ${field}`);
    return local;
  }
}
