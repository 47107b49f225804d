/** A value that is there now, or will be. A target that answers at once pays nothing for one that cannot. */
export type Awaitable<T> = T | Promise<T>;

/**
 * Continues with `next` once `value` is there: in the same call when it already is.
 * Returns what `next` returns, or a promise of it.
 */
export function after<T, R>(value: Awaitable<T>, next: (value: T) => Awaitable<R>): Awaitable<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}
