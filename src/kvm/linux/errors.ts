/** The host cannot run guests on /dev/kvm: `message` is one line that says what to do. Nobody's mistake in the guest. */
export class SubstrateError extends Error {
  override readonly name = "SubstrateError";
}
