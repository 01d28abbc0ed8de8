import { libcAsync } from './libc.ts';

const syncfsCall = libcAsync<[number]>('int syncfs(int fd)');

/** Writes out all that is dirty on the file system of `fd`, and waits: one call for a whole tree. @throws SystemError */
export async function syncfs(fd: number): Promise<void> {
  await syncfsCall('syncfs', [fd], fd);
}
