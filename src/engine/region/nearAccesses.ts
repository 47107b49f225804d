import type { Access, Node, Place, Statement } from "../ir/node.ts";
import type { CachedFields } from "./cachedFields.ts";
import { integerConstant } from "./fold.ts";
import type { Translation } from "./translation.ts";

/** A load or a store as it stands in an instruction's meaning. */
export type AccessSite = Extract<Node, { kind: "load" }> | Extract<Statement, { kind: "store" }>;

/** Accesses of a block that are made to the same page after one look at the TLB, which the first of them takes. */
export interface NearAccesses {
  /** Bytes from the first one's address to the lowest and to behind the highest byte of all. */
  readonly from: number;
  readonly to: number;
  readonly reads: boolean;
  readonly writes: boolean;
}

/** How an access is one of several. */
export interface NearAccess {
  readonly all: NearAccesses;
  readonly first: boolean;
  /** Bytes from the lowest byte of all. */
  readonly offset: number;
}

/** What lies in one page is at most so large: larger things more often do not. */
const mostBytes = 256;

/** A value as a sum: something that nobody knows, and a number of bytes. */
interface Sum {
  readonly root: number;
  readonly bytes: number;
}

interface Found {
  readonly site: AccessSite;
  readonly instruction: number;
  readonly address: Sum;
}

/**
 * Finds the accesses of a block whose addresses are known to be near each other: sums of the same register's value and constants.
 * For each instruction: what is known of its accesses, where there is more than one of a kind.
 */
export function nearAccesses(
  instructions: readonly Translation[],
  fields: CachedFields,
): readonly ReadonlyMap<AccessSite, NearAccess>[] {
  const walk = new Walk(fields);
  instructions.forEach(({ meaning }, index) => {
    walk.instruction(meaning.statements, index);
  });
  const near = instructions.map(() => new Map<AccessSite, NearAccess>());
  for (const group of walk.groups()) {
    const [first] = group;
    if (first === undefined || group.length < 2) continue;
    const from = Math.min(...group.map(({ address }) => address.bytes));
    const to = Math.max(...group.map(({ site, address }) => address.bytes + site.access.bytes));
    const origin = first.address.bytes;
    const all: NearAccesses = {
      from: from - origin,
      to: to - origin,
      reads: group.some(({ site }) => !forWriting(site.access)),
      writes: group.some(({ site }) => forWriting(site.access)),
    };
    for (const found of group)
      near[found.instruction]?.set(found.site, {
        all,
        first: found === first,
        offset: found.address.bytes - from,
      });
  }
  return near;
}

/** Whether the TLB is asked by its write tag. */
export function forWriting(access: Access): boolean {
  return access.write || access.willWrite;
}

class Walk {
  readonly #fields: CachedFields;
  /** What the cached fields are, by number. */
  readonly #values = new Map<number, Sum>();
  readonly #byRoot = new Map<number, Found[]>();
  #roots = 0;
  /** Of the instruction at hand, by node id. */
  #nodes: (Sum | undefined)[] = [];
  #index = 0;

  constructor(fields: CachedFields) {
    this.#fields = fields;
  }

  instruction(statements: readonly Statement[], index: number): void {
    this.#nodes = [];
    this.#index = index;
    for (const statement of statements) this.#statement(statement);
  }

  /** Accesses with the same root that one look can serve, in the order of the program. */
  *groups(): Iterable<readonly Found[]> {
    for (const all of this.#byRoot.values()) {
      let left = all;
      for (let [first] = left; first !== undefined; [first] = left) {
        const origin = first;
        let [low, high] = [origin.address.bytes, origin.address.bytes + origin.site.access.bytes];
        const group: Found[] = [];
        const others: Found[] = [];
        for (const found of left) {
          const { bytes } = found.address;
          const { element, bytes: length } = found.site.access;
          const [from, to] = [Math.min(low, bytes), Math.max(high, bytes + length)];
          // An address that is a multiple of the first one's element makes the others right as well.
          const aligned =
            element <= origin.site.access.element && (bytes - origin.address.bytes) % element === 0;
          if (aligned && to - from <= mostBytes) {
            [low, high] = [from, to];
            group.push(found);
          } else others.push(found);
        }
        yield group;
        left = others;
      }
    }
  }

  #statement(statement: Statement): void {
    switch (statement.kind) {
      case "evaluate": {
        const { node } = statement;
        this.#nodes[node.id] = this.#evaluate(node);
        if (node.kind === "load") this.#access(node);
        break;
      }
      case "write":
        if (statement.type === "i64" && statement.offset === 0)
          this.#write(statement.place, this.#sum(statement.value));
        else this.#forget(statement.place, statement.offset);
        break;
      case "store":
        this.#access(statement);
        break;
      case "if":
        this.#forgetAll(statement.whenTrue);
        this.#forgetAll(statement.whenFalse);
        break;
      case "while":
        this.#forgetAll(statement.test);
        this.#forgetAll(statement.body);
        break;
      case "flags":
        this.#forgetAll(statement.expansion);
        break;
      case "assign":
      case "jump":
      case "jumpRelative":
      case "host":
      case "raise":
      case "guard":
        break;
    }
  }

  /** Statements that may not happen. */
  #forgetAll(statements: readonly Statement[]): void {
    for (const statement of statements) {
      if (statement.kind === "write") this.#forget(statement.place, statement.offset);
      else if (statement.kind !== "evaluate" && statement.kind !== "store") this.#statement(statement);
    }
  }

  #access(site: AccessSite): void {
    const address = this.#sum(site.address);
    if (address === undefined || site.access.unprivileged) return;
    const found = { site, instruction: this.#index, address };
    const known = this.#byRoot.get(address.root);
    if (known === undefined) this.#byRoot.set(address.root, [found]);
    else known.push(found);
  }

  #sum(node: Node): Sum | undefined {
    return this.#nodes[node.id] ?? (node.kind === "operator" ? this.#evaluate(node) : undefined);
  }

  #evaluate(node: Node): Sum | undefined {
    if (node.type !== "i64") return undefined;
    if (node.kind === "read") return node.offset === 0 ? this.#read(node.place) : undefined;
    if (node.kind !== "operator") return undefined;
    const [left, right] = node.args;
    if (left === undefined || right === undefined) return undefined;
    switch (node.operator) {
      case "i64.add":
        return this.#plus(left, right, 1n) ?? this.#plus(right, left, 1n);
      case "i64.sub":
        return this.#plus(left, right, -1n);
      default:
        return undefined;
    }
  }

  #plus(node: Node, constant: Node, sign: bigint): Sum | undefined {
    const value = integerConstant(constant);
    const sum = value === undefined ? undefined : this.#sum(node);
    if (value === undefined || sum === undefined) return undefined;
    const bytes = sum.bytes + Number(sign * BigInt.asIntN(64, value));
    // Further apart nothing is near.
    return Math.abs(bytes) < 2 ** 31 ? { root: sum.root, bytes } : undefined;
  }

  #read(place: Place): Sum | undefined {
    const field = this.#whole(place);
    if (field === undefined) return undefined;
    let value = this.#values.get(field);
    if (value === undefined) {
      value = { root: this.#roots++, bytes: 0 };
      this.#values.set(field, value);
    }
    return value;
  }

  #write(place: Place, value: Sum | undefined): void {
    const field = this.#whole(place);
    if (field === undefined) this.#forget(place, 0);
    else if (value === undefined) this.#values.delete(field);
    else this.#values.set(field, value);
  }

  #forget(place: Place, offset: number): void {
    if (place.kind !== "fixed") return;
    const at = this.#fields.find(place.address + offset, "i32");
    if (at.kind === "field") this.#values.delete(at.field);
  }

  /** The field that a 64-bit piece of state is all of. */
  #whole(place: Place): number | undefined {
    if (place.kind !== "fixed") return undefined;
    const at = this.#fields.find(place.address, "i64");
    return at.kind === "field" && this.#fields.typeOf(at.field) === "i64" ? at.field : undefined;
  }
}
