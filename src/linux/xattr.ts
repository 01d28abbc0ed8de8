import { checked, libc } from './libc.ts';
import { hasCode } from './system-error.ts';

const lsetxattrCall = libc<(path: string, name: string, value: Uint8Array, size: number, flags: number) => number>(
  'int lsetxattr(const char *path, const char *name, const uint8_t *value, size_t size, int flags)',
);
const lgetxattrCall = libc<(path: string, name: string, value: Uint8Array, size: number) => number>(
  'long lgetxattr(const char *path, const char *name, _Out_ uint8_t *value, size_t size)',
);

/** The kernel's bound on one attribute's value (XATTR_SIZE_MAX). */
const VALUE_BYTES = 65_536;

/** Sets an extended attribute of the file itself, never of what a symlink points to. @throws SystemError */
export function lsetxattr(path: string, name: string, value: Uint8Array): void {
  checked(lsetxattrCall(path, name, value, value.length, 0), 'lsetxattr', path, name);
}

/** The attribute's value, undefined where the file has none of that name. @throws SystemError */
export function lgetxattr(path: string, name: string): Buffer | undefined {
  const value = Buffer.alloc(VALUE_BYTES);
  try {
    return value.subarray(0, checked(lgetxattrCall(path, name, value, value.length), 'lgetxattr', path, name));
  } catch (error) {
    if (hasCode(error, 'ENODATA')) return undefined;
    throw error;
  }
}
