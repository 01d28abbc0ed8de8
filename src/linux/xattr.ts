import { checked, libc } from './libc.ts';
import { hasCode } from './system-error.ts';

const lsetxattrCall = libc<(path: string, name: string, value: Uint8Array, size: number, flags: number) => number>(
  'int lsetxattr(const char *path, const char *name, const uint8_t *value, size_t size, int flags)',
);
const lgetxattrCall = libc<(path: string, name: string, value: Uint8Array, size: number) => number>(
  'long lgetxattr(const char *path, const char *name, _Out_ uint8_t *value, size_t size)',
);
const fsetxattrCall = libc<(fd: number, name: string, value: Uint8Array, size: number, flags: number) => number>(
  'int fsetxattr(int fd, const char *name, const uint8_t *value, size_t size, int flags)',
);
const llistxattrCall = libc<(path: Uint8Array, names: Uint8Array, size: number) => number>(
  'long llistxattr(const uint8_t *path, _Out_ uint8_t *names, size_t size)',
);
const lgetxattrOfBytes = libc<(path: Uint8Array, name: string, value: Uint8Array, size: number) => number>(
  'long lgetxattr(const uint8_t *path, const char *name, _Out_ uint8_t *value, size_t size)',
);

/** The kernel's bound on one attribute's value (XATTR_SIZE_MAX). */
const VALUE_BYTES = 65_536;
/** The list of names has the same bound (XATTR_LIST_MAX). */
const scratch = Buffer.alloc(VALUE_BYTES);

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

/** As `lsetxattr`, of an open file. @throws SystemError */
export function fsetxattr(fd: number, name: string, value: Uint8Array): void {
  checked(fsetxattrCall(fd, name, value, value.length, 0), 'fsetxattr', name);
}
/** Names of the file's own attributes. `path` is bytes that end with a NUL: names need not be text. None where the file system has no such thing. @throws SystemError */
export function llistxattr(path: Uint8Array): string[] {
  try {
    const length = checked(llistxattrCall(path, scratch, scratch.length), 'llistxattr', Buffer.from(path).toString());
    return length === 0
      ? []
      : scratch
          .toString('utf8', 0, length)
          .split('\0')
          .filter((name) => name !== '');
  } catch (error) {
    if (hasCode(error, 'EOPNOTSUPP', 'ENOTSUP')) return [];
    throw error;
  }
}

/** `lgetxattr` by a path of bytes that end with a NUL. @throws SystemError */
export function lgetxattrAt(path: Uint8Array, name: string): Buffer | undefined {
  try {
    const length = checked(lgetxattrOfBytes(path, name, scratch, scratch.length), 'lgetxattr', Buffer.from(path).toString(), name);
    return Buffer.from(scratch.subarray(0, length));
  } catch (error) {
    if (hasCode(error, 'ENODATA', 'EOPNOTSUPP', 'ENOTSUP')) return undefined;
    throw error;
  }
}
