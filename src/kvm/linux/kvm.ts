import { KvmError } from "../errors.ts";
import { SubstrateError } from "./errors.ts";
import { Libc } from "./ffi/libc.ts";
import { capabilities, KVM_API_VERSION } from "./uapi/constants.ts";
import { ioctls } from "./uapi/ioctls.ts";
import { x86Capabilities } from "./uapi/x86_64/constants.ts";

const allCapabilities = { ...capabilities, ...x86Capabilities };

/** A capability, named as in linux/kvm.h without `KVM_CAP_`. */
export type LinuxCapability = keyof typeof allCapabilities extends `KVM_CAP_${infer Name}` ? Name : never;

/** Whether a capability is one that this host may have. */
export const isLinuxCapability = (capability: string): capability is LinuxCapability =>
  `KVM_CAP_${capability}` in allCapabilities;

/** The number of a capability. */
export const capabilityNumber = (capability: LinuxCapability): number =>
  allCapabilities[`KVM_CAP_${capability}`];

/** The host's `/dev/kvm`. */
export class LinuxKvm {
  readonly libc: Libc;
  /** Bytes of a vCPU's `kvm_run` and what follows it. */
  readonly vcpuMmapSize: number;
  readonly #file: number;

  private constructor(libc: Libc, file: number) {
    this.libc = libc;
    this.#file = file;
    this.vcpuMmapSize = libc.ioctl(file, ioctls.KVM_GET_VCPU_MMAP_SIZE, 0);
  }

  /** Opens it. @throws SubstrateError when this host cannot: one line that says what to do. */
  static open(path = "/dev/kvm"): LinuxKvm {
    if (process.platform !== "linux")
      throw new SubstrateError(`the linux substrate needs Linux; this is ${process.platform}`);
    const libc = new Libc();
    const file = openDevice(libc, path);
    const version = libc.ioctl(file, ioctls.KVM_GET_API_VERSION, 0);
    if (version !== KVM_API_VERSION) {
      libc.close(file);
      throw new SubstrateError(
        version < 0
          ? `${path} is not KVM's device`
          : `${path} speaks version ${version} of KVM's interface, not ${KVM_API_VERSION}`,
      );
    }
    return new LinuxKvm(libc, file);
  }

  /** `KVM_CHECK_EXTENSION`; 0 when absent. */
  checkExtension(capability: LinuxCapability): number {
    return Math.max(0, this.libc.ioctl(this.#file, ioctls.KVM_CHECK_EXTENSION, capabilityNumber(capability)));
  }

  /** @throws SubstrateError naming the first capability that is missing. */
  require(needed: readonly LinuxCapability[]): void {
    for (const capability of needed) {
      if (this.checkExtension(capability) > 0) continue;
      throw new SubstrateError(
        `this host's KVM has no KVM_CAP_${capability}, which debugging a guest needs; use the embedded substrate`,
      );
    }
  }

  /** `KVM_CREATE_VM`. @returns its file. @throws KvmError */
  createVm(): number {
    for (;;) {
      const vm = this.libc.ioctl(this.#file, ioctls.KVM_CREATE_VM, 0);
      if (vm >= 0) return vm;
      const error = this.libc.lastError("KVM_CREATE_VM");
      // A signal of the program's own has come in the midst of it: a profiler's, a timer's.
      if (error.errno !== "EINTR") throw error;
    }
  }

  /** An ioctl on `/dev/kvm` itself, with a structure. @throws KvmError */
  ioctl(name: string, request: number, argument: number): number {
    const result = this.libc.ioctl(this.#file, request, argument);
    if (result < 0) throw this.libc.lastError(name);
    return result;
  }

  /** Lets the device go; VMs live on. */
  close(): void {
    this.libc.close(this.#file);
  }
}

function openDevice(libc: Libc, path: string): number {
  try {
    return libc.open(path);
  } catch (error) {
    if (error instanceof KvmError) throw new SubstrateError(openAdvice(error, path));
    throw error;
  }
}

function openAdvice(error: KvmError, path: string): string {
  switch (error.errno) {
    case "ENOENT":
      return `there is no ${path}: this host has no KVM, or its kernel module is not loaded (modprobe kvm_intel or kvm_amd); use the embedded substrate`;
    case "EACCES":
    case "EPERM":
      return `${path} may not be opened by this user: join the group kvm (usermod -aG kvm $USER, then log in again), or use the embedded substrate`;
    case "ENODEV":
    case "ENXIO":
      return `${path} is there, but nothing is behind it: load kvm_intel or kvm_amd, and see that virtualization is switched on in the firmware`;
    default:
      return `${path} cannot be opened: ${error.errno}`;
  }
}
