import koffi from 'koffi';
import { SystemError } from './system-error.ts';

const library = koffi.load('libc.so.6');

/**
 * A function of the C library, by its prototype: `int chroot(const char *path)`. The caller states
 * the matching TypeScript type. koffi marshals strings as NUL-terminated UTF-8, Buffers as pointers.
 */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller's word is all there is: a prototype is text
export function libc<F extends (...args: never[]) => number>(prototype: string): F {
  return library.func(prototype) as unknown as F;
}

/** `result` where it isn't negative. @throws SystemError with errno's name and `values` */
export function checked(result: number, call: string, ...values: readonly (string | number)[]): number {
  if (result < 0) throw new SystemError(call, koffi.errno(), values);
  return result;
}

/** The same function on koffi's thread pool; the promise carries what `checked` would throw. Bytes must stay as they are until then. */
export function libcAsync<Args extends readonly (string | number | Uint8Array)[]>(
  prototype: string,
): (call: string, values: readonly (string | number)[], ...args: Args) => Promise<number> {
  const callee = library.func(prototype);
  return (call, values, ...args) =>
    new Promise((resolve, reject) => {
      callee.async(...args, (error: Error | null, result: number) => {
        // Named here so that bytes among them live until the call has ended.
        void args;
        // koffi carries the worker's errno over into its callback.
        if (error !== null) reject(error);
        else if (result < 0) reject(new SystemError(call, koffi.errno(), values));
        else resolve(result);
      });
    });
}
