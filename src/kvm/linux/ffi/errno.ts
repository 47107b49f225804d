import type { Errno } from "../../errors.ts";

/** errno values of Linux that KVM, open and mmap answer with (asm-generic/errno-base.h, asm-generic/errno.h). */
export const errnoNumbers = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  E2BIG: 7,
  ENOEXEC: 8,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  EMFILE: 24,
  ENOTTY: 25,
  ENOSPC: 28,
  ENOSYS: 38,
  EOPNOTSUPP: 95,
} as const satisfies Record<Errno, number>;

const names: ReadonlyMap<number, Errno> = new Map(
  Object.entries(errnoNumbers).map(([name, number]) => [number, name as Errno]),
);

/** The name of an errno value; undefined for one that is not in the table. */
export const errnoName = (number: number): Errno | undefined => names.get(number);
