import type { Layout } from "./layout.ts";

/** `_IOC` directions (asm-generic/ioctl.h): which way the argument goes, as user space sees it. */
const direction = { none: 0, write: 1, read: 2, readWrite: 3 } as const;

/** KVM's letter. */
const kvmio = 0xae;

const number = (way: keyof typeof direction, nr: number, size: number): number =>
  ((direction[way] << 30) | (size << 16) | (kvmio << 8) | nr) >>> 0;

/** An ioctl whose argument is a plain number, or none. */
export const io = (nr: number): number => number("none", nr, 0);
/** An ioctl that the kernel reads a structure for. */
export const iow = (nr: number, argument: Layout | number): number => number("write", nr, sizeOf(argument));
/** An ioctl that the kernel fills a structure for. */
export const ior = (nr: number, argument: Layout | number): number => number("read", nr, sizeOf(argument));
/** An ioctl that the kernel reads and writes a structure for. */
export const iowr = (nr: number, argument: Layout | number): number =>
  number("readWrite", nr, sizeOf(argument));

const sizeOf = (argument: Layout | number): number =>
  typeof argument === "number" ? argument : argument.size;
