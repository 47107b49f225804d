/** The errno values KVM's ioctls answer with. */
export type Errno =
  | "EINVAL"
  | "ENOENT"
  | "ENXIO"
  | "EEXIST"
  | "E2BIG"
  | "ENOMEM"
  | "EFAULT"
  | "EINTR"
  | "EPERM"
  | "ENOEXEC"
  | "ENOSYS"
  | "EBUSY"
  | "ENODEV"
  // What else a host's kernel answers with.
  | "EACCES"
  | "EAGAIN"
  | "EBADF"
  | "EIO"
  | "EMFILE"
  | "ENOSPC"
  | "ENOTTY"
  | "EOPNOTSUPP";

/** A refused call: nothing has changed. */
export class KvmError extends Error {
  override readonly name = "KvmError";
  readonly errno: Errno;

  constructor(errno: Errno, message: string) {
    super(`${message} (${errno})`);
    this.errno = errno;
  }
}
