import { constants } from 'node:os';

// EWOULDBLOCK is another name of EAGAIN.
const NAMES = new Map<number, string>(
  Object.entries(constants.errno).flatMap(([name, number]) => (name === 'EWOULDBLOCK' ? [] : [[number, name]])),
);

/** A failed system call: `mount(/a, /b): EBUSY`. `code` is the errno's name, as in Node's own errors. */
export class SystemError extends Error {
  override name = 'SystemError';
  readonly code: string;
  readonly errno: number;
  readonly call: string;
  constructor(call: string, errno: number, values: readonly (string | number)[]) {
    const code = errnoName(errno);
    super(`${call}${values.length === 0 ? '' : `(${values.join(', ')})`}: ${code}`);
    this.code = code;
    this.errno = errno;
    this.call = call;
  }
}

/** `ENOENT` for 2; `errno 999` for one that this machine has no name for. */
export function errnoName(errno: number): string {
  return NAMES.get(errno) ?? `errno ${errno}`;
}

/** Whether `error` carries this code, be it from Node or from us. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
