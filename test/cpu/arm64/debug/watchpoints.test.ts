import { describe, expect, it } from "vitest";
import { a64 } from "../support/assembler.ts";
import { place } from "../support/machine.ts";
import { sctlr, va } from "../support/mmu.ts";
import { ec, pstate, SelfDebuggingMachine, watch } from "./support.ts";

const code = BigInt(place.code);
/** `va.data` and the page after it are at consecutive guest-virtual addresses. */
const page = va.data;

function machineWatching(address: bigint, fields: Parameters<typeof watch>[0] = {}): SelfDebuggingMachine {
  const machine = new SelfDebuggingMachine();
  machine.tables.map(page + 0x1000n, place.data + 0x2000);
  machine.write("CPACR_EL1", 3n << 20n);
  machine.write("DBGWVR0_EL1", address);
  machine.write("DBGWCR0_EL1", watch(fields));
  return machine;
}

/** FAR of the watchpoint exception that an instruction with its address in X1 takes, undefined if it takes none. */
function far(machine: SelfDebuggingMachine, word: number, address: bigint): number | undefined {
  machine.setX(1, address);
  const exception = machine.runAt(code, pstate.el1, [word]);
  if (exception === undefined) return undefined;
  expect(exception).toMatchObject({ vector: 0x200, ec: ec.watchpoint.el1, elr: place.code });
  return exception.far;
}

/** Four registers interleaved, 64 bytes: LD4 and ST4 {V0.16B–V3.16B}, [X1]. */
const [ld4, st4] = [0x4c400020, 0x4c000020];
/** LDP and STP Q0, Q2, [X1]. */
const [ldpQ, stpQ] = [0xad400820, 0xad000820];

describe("watchpoints", () => {
  it.each([
    ["ldrb", a64.ldr(2, 1, 1), 1, "load"],
    ["ldrh", a64.ldr(2, 1, 2), 2, "load"],
    ["ldr w", a64.ldr(2, 1, 4), 4, "load"],
    ["ldr x", a64.ldr(2, 1), 8, "load"],
    ["str x", a64.str(2, 1), 8, "store"],
    ["ldp x", a64.ldp(2, 3, 1), 16, "load"],
    ["stp x", a64.stp(2, 3, 1), 16, "store"],
    ["ldr q", a64.ldrQ(0, 1), 16, "load"],
    ["str q", a64.strQ(0, 1), 16, "store"],
    ["ldp q", ldpQ, 32, "load"],
    ["stp q", stpQ, 32, "store"],
    ["ld4", ld4, 64, "load"],
    ["st4", st4, 64, "store"],
    ["ldxr", a64.ldxr(2, 1), 8, "load"],
    ["ldar", a64.ldar(2, 1), 8, "load"],
    ["stlr", a64.stlr(2, 1), 8, "store"],
    ["ldadd", a64.ldadd(2, 3, 1), 8, "both"],
    ["swp", a64.swp(2, 3, 1), 8, "both"],
    ["cas", a64.cas(2, 3, 1), 8, "both"],
  ] as const)("%s: every byte that it touches is watched, and none beside", (_, word, bytes, kind) => {
    const at = page + 0x100n;
    for (const offset of new Set([-8, 0, bytes - 1, bytes, Math.floor(bytes / 2)])) {
      const watched = at + BigInt(offset);
      for (const loadStore of [1, 2]) {
        const machine = machineWatching(watched & ~7n, { loadStore, byteSelect: 1 << Number(watched & 7n) });
        const isTouched = offset >= 0 && offset < bytes;
        const isAsked = kind === "both" || (loadStore === 1) === (kind === "load");
        expect(far(machine, word, at), `byte ${offset}, LSC ${loadStore}`).toBe(
          isTouched && isAsked ? Number(watched) : undefined,
        );
      }
    }
  });

  it("a page that is known from accesses beside them: their bytes still stop, the others need no call", () => {
    const machine = machineWatching(page + 0x100n);
    const pieces = [0x100, 0x300, 0x500, 0x700];
    for (const [n, offset] of pieces.entries()) {
      machine.write(`DBGWVR${n}_EL1`, page + BigInt(offset));
      // The first has two pieces.
      machine.write(`DBGWCR${n}_EL1`, watch({ byteSelect: n === 0 ? 0x81 : 0xff }));
    }
    const slow = (): number => {
      const { slowLoads, slowStores } = machine.vm.cluster.engine.statistics;
      return slowLoads + slowStores;
    };
    for (let round = 0; round < 3; round++) {
      const before = slow();
      for (const offset of [0x0f8n, 0x108n, 0x2f8n, 0x308n, 0xff8n]) {
        for (const word of [a64.ldr(2, 1), a64.str(2, 1)])
          expect(far(machine, word, page + offset), `offset ${offset}`).toBeUndefined();
      }
      expect(slow() - before).toBeLessThanOrEqual(round === 0 ? 10 : 0);
      for (const offset of pieces) {
        const at = page + BigInt(offset);
        for (const word of [a64.ldr(2, 1, 1), a64.str(2, 1, 4), a64.stp(2, 3, 1)])
          expect(far(machine, word, at), `offset ${offset}`).toBe(Number(at));
        expect(far(machine, a64.ldp(2, 3, 1), at - 8n), `a pair before ${offset}`).toBe(Number(at));
        expect(far(machine, a64.ldr(2, 1), at - 1n), `misaligned before ${offset}`).toBe(Number(at));
      }
    }
  });

  it("ISS says whether it was a write; of a read-modify-write the read comes first", () => {
    const iss = (word: number, loadStore: number): number | undefined => {
      const machine = machineWatching(page, { loadStore });
      machine.setX(1, page);
      return machine.runAt(code, pstate.el1, [word])?.iss;
    };
    expect(iss(a64.ldr(2, 1), 3)).toBe(0x22);
    expect(iss(a64.str(2, 1), 3)).toBe(0x62);
    expect(iss(a64.ldadd(2, 3, 1), 3)).toBe(0x22);
    expect(iss(a64.ldadd(2, 3, 1), 2)).toBe(0x62);
  });

  it("FAR is the lowest byte that is both touched and watched", () => {
    expect(far(machineWatching(page + 8n), a64.ldr(2, 1), page + 5n)).toBe(Number(page + 8n));
    expect(far(machineWatching(page), a64.ldr(2, 1), page + 5n)).toBe(Number(page + 5n));
    expect(far(machineWatching(page, { byteSelect: 0b1100_0000 }), a64.ldp(2, 3, 1), page)).toBe(
      Number(page + 6n),
    );
  });

  it("an access that crosses into the page of the watched bytes, or out of it", () => {
    const boundary = page + 0x1000n;
    expect(far(machineWatching(boundary), a64.ldr(2, 1), boundary - 3n)).toBe(Number(boundary));
    expect(far(machineWatching(boundary - 8n), a64.str(2, 1), boundary - 1n)).toBe(Number(boundary - 1n));
    expect(far(machineWatching(boundary + 8n), a64.str(2, 1), boundary - 1n)).toBeUndefined();
  });

  it("the access does not happen, nor does the register change", () => {
    const machine = machineWatching(page);
    machine.poke(place.data, 5n);
    machine.setX(2, 9n);
    far(machine, a64.str(2, 1), page);
    expect(machine.peek(place.data)).toBe(5n);
    far(machine, a64.ldr(2, 1), page);
    expect(machine.x(2)).toBe(9n);
  });

  it("a store-exclusive that the monitor refuses touches nothing", () => {
    const machine = machineWatching(page, { loadStore: 2 });
    expect(far(machine, a64.stxr(4, 2, 1), page)).toBeUndefined();
    expect(machine.x(4)).toBe(1n);
    machine.setX(1, page);
    expect(machine.runAt(code, pstate.el1, [a64.ldxr(2, 1), a64.stxr(4, 2, 1)])).toMatchObject({
      ec: ec.watchpoint.el1,
      elr: place.code + 4,
    });
  });

  it.each([
    [3, 8n],
    [5, 32n],
    [12, 4096n],
    [16, 65536n],
  ])("MASK %i watches %i bytes that are aligned to themselves", (mask, size) => {
    const base = page & ~(size - 1n);
    for (const [address, isWatched] of [
      [base, true],
      [base + size - 1n, true],
      [base + size, false],
      [base - 1n, false],
    ] as const) {
      if (address < page || address >= page + 0x2000n) continue;
      const machine = machineWatching(base, { mask });
      expect(far(machine, a64.ldr(2, 1, 1), address) !== undefined, address.toString(16)).toBe(isWatched);
    }
  });

  it("a value with bit 2 set watches four bytes by BAS[3:0]", () => {
    for (let byte = 0n; byte < 16n; byte++) {
      const machine = machineWatching(page + 4n, { byteSelect: 0xff });
      expect(far(machine, a64.ldr(2, 1, 1), page + byte) !== undefined, `byte ${byte}`).toBe(
        byte >= 4n && byte < 8n,
      );
    }
  });

  it("a BAS of two stretches watches both", () => {
    for (let byte = 0n; byte < 8n; byte++) {
      const machine = machineWatching(page, { byteSelect: 0b1001_0010 });
      expect(far(machine, a64.ldr(2, 1, 1), page + byte) !== undefined).toBe([1n, 4n, 7n].includes(byte));
    }
  });

  it("PAC decides by the level whose permissions count: LDTR and STTR at EL1 are EL0's", () => {
    const user = va.user;
    const results = [1, 2, 3].map((levels) =>
      [a64.ldr(2, 1), a64.ldtr(2, 1), a64.sttr(2, 1)].map((word) => {
        const machine = machineWatching(user, { levels });
        machine.setX(1, user);
        return machine.runAt(code, pstate.el1, [word])?.ec === ec.watchpoint.el1;
      }),
    );
    expect(results).toEqual([
      [true, false, false],
      [false, true, true],
      [true, true, true],
    ]);
  });

  it("at EL0 they come from the lower level, whatever KDE and D say", () => {
    const machine = machineWatching(va.user);
    machine.write("MDSCR_EL1", 0x8000n);
    machine.setX(1, va.user);
    machine.load(place.code, [a64.ldr(2, 1)]);
    machine.pstate = pstate.d;
    machine.pc = va.userCode;
    machine.run();
    expect(machine.exception()).toMatchObject({ vector: 0x400, ec: ec.watchpoint.el0, far: Number(va.user) });
  });

  it("one linked to a context breakpoint counts only in that context", () => {
    for (const context of [7n, 8n]) {
      const machine = machineWatching(page, { type: 1, linkedTo: 4 });
      machine.write("DBGBVR4_EL1", 7n);
      machine.write("DBGBCR4_EL1", 0x30_01e7n);
      machine.write("CONTEXTIDR_EL1", context);
      expect(far(machine, a64.ldr(2, 1), page)).toBe(context === 7n ? Number(page) : undefined);
    }
  });

  it("DC ZVA is a store of its whole block; nothing of it is zeroed", () => {
    for (const [watched, isWatched] of [
      [page + 0x40n, true],
      [page + 0x78n, true],
      [page + 0x80n, false],
      [page + 0x38n, false],
    ] as const) {
      const machine = machineWatching(watched, { loadStore: 2 });
      machine.poke(place.data + 0x40, 1n, 2n);
      const hit = far(machine, a64.dcZva(1), page + 0x50n);
      expect(hit).toBe(isWatched ? Number(watched) : undefined);
      expect(machine.peek(place.data + 0x40)).toBe(isWatched ? 1n : 0n);
    }
    expect(far(machineWatching(page, { loadStore: 1 }), a64.dcZva(1), page)).toBeUndefined();
  });

  it("DC ZVA in a loop that has been quick before the watchpoint was set", () => {
    const machine = new SelfDebuggingMachine();
    const loop = [
      ...a64.mov64(1, page),
      a64.dcZva(1),
      a64.addImm(1, 1, 64),
      a64.subsImm(2, 2, 1),
      a64.cbnz(2, -3),
    ];
    machine.setX(2, 32n);
    expect(machine.runAt(code, pstate.el1, loop)).toBeUndefined();
    machine.write("DBGWVR0_EL1", page + 0x418n);
    machine.write("DBGWCR0_EL1", watch());
    machine.setX(2, 32n);
    expect(machine.runAt(code, pstate.el1, loop)).toMatchObject({
      ec: ec.watchpoint.el1,
      far: Number(page + 0x418n),
    });
  });

  it("DC IVAC is watched as a store, with ISS.CM; cleaning is not watched", () => {
    const machine = machineWatching(page + 8n);
    machine.setX(1, page);
    expect(machine.runAt(code, pstate.el1, [a64.dcIvac(1)])).toMatchObject({
      ec: ec.watchpoint.el1,
      iss: 0x162,
    });
    for (const word of [a64.dcCvau(1), a64.dcCivac(1)])
      expect(machine.runAt(code, pstate.el1, [word])).toBeUndefined();
  });

  it("come after faults of translation and alignment", () => {
    const machine = machineWatching(va.nothing);
    machine.setX(1, va.nothing);
    expect(machine.runAt(code, pstate.el1, [a64.ldr(2, 1)])?.ec).toBe(0x25);
    const strict = machineWatching(page);
    strict.control(sctlr.A);
    strict.setX(1, page + 1n);
    expect(strict.runAt(code, pstate.el1, [a64.ldr(2, 1)])).toMatchObject({ ec: 0x25, iss: 0x21 });
  });

  it("a device that is watched: the access never reaches it", () => {
    const machine = machineWatching(va.device);
    expect(far(machine, a64.str(2, 1), va.device)).toBe(Number(va.device));
    expect(machine.exits.every(({ reason }) => reason !== "MMIO")).toBe(true);
  });

  it("what is prefetched or executed is not watched", () => {
    const machine = machineWatching(code);
    expect(machine.runAt(code, pstate.el1, [a64.nop, a64.nop])).toBeUndefined();
  });
});
