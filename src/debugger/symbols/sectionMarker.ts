import { isTextSymbol, type KernelSymbol } from "./symbol.ts";

// Linux's linker scripts (vmlinux.lds.h) name the ends and beginnings of regions. Functions have names of the same
// pattern (`__stop_tty`), so among text symbols only the regions' own are meant.
const ENDS = /^(_etext|_einittext|_edata|_end|__\w*text_end)$/;
const DATA_ENDS = /^(__end_\w+|__stop_\w+|__\w+_(end|stop))$/;
const BEGINNINGS = /^(_text|_stext|_head|_sinittext|_data|_sdata|__init_begin|__\w*text_(start|begin))$/;
const DATA_BEGINNINGS = /^(__start_\w+|__\w+_(start|begin))$/;

/**
 * Whether a symbol only marks where a region of the kernel's image ends or begins; what follows an end is not its
 * own, and at the address of a beginning the first thing in the region has the more telling name.
 */
export function sectionMarker(symbol: KernelSymbol): "end" | "beginning" | undefined {
  const { name } = symbol;
  const isText = isTextSymbol(symbol.type);
  if (ENDS.test(name) || (!isText && DATA_ENDS.test(name))) return "end";
  if (BEGINNINGS.test(name) || (!isText && DATA_BEGINNINGS.test(name))) return "beginning";
  return undefined;
}
