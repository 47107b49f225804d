import { readFileSync } from "node:fs";
import { parseElf } from "../../src/debugger/symbols/elf.ts";
import { elfSymbols } from "../../src/debugger/symbols/elfSymbols.ts";
import { program } from "./paths.ts";
import { BenchError, time } from "./process.ts";

/** Addresses by name. */
export type Addresses = ReadonlyMap<string, number | bigint>;

/** The symbols of one of our guests. */
export function guestAddresses(elf: string): ReadonlyMap<string, bigint> {
  const symbols = elfSymbols(parseElf(new Uint8Array(readFileSync(elf))), "symtab");
  return new Map(symbols.map(({ name, value }) => [name, value]));
}

/** The address of a symbol. @throws BenchError when there is none */
export function addressOf(addresses: ReadonlyMap<string, bigint>, name: string): bigint {
  const address = addresses.get(name);
  if (address === undefined) throw new BenchError(`there is no symbol ${name}`);
  return address;
}

/** The functions of a kernel image, by `vmexit symbols`, in order of address. */
export async function kernelFunctions(
  kernel: string,
): Promise<readonly { readonly name: string; readonly address: bigint }[]> {
  const { stdout } = await time([process.execPath, program, "symbols", kernel]);
  return stdout.split("\n").flatMap((line) => {
    const [, address, name] = /^([0-9a-f]{16}) [tT] (\S+)$/.exec(line) ?? [];
    return address === undefined || name === undefined ? [] : [{ name, address: BigInt(`0x${address}`) }];
  });
}
