import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const UNIFIED = '/sys/fs/cgroup/unified';
const MARK = 'CARAVELA_BENCH_PRIVATE_MOUNTS';

/**
 * Goes on in a mount namespace of its own, in which a cgroup v2 tree beside v1 ones is not mounted:
 * crun refuses such hosts. Mounts that a bench makes end with it. In the first call of a program this
 * never returns: the program runs again inside, and its exit code is ours.
 */
export function inPrivateMounts(): void {
  if (process.env[MARK] !== undefined) return;
  // crun makes directories there all the same: they go to a file system that ends with the namespace.
  const script = existsSync(UNIFIED) ? `umount ${UNIFIED} && mount -t tmpfs tmpfs ${UNIFIED} && exec "$@"` : 'exec "$@"';
  const words = ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', process.execPath, ...process.argv.slice(1)];
  const { status } = spawnSync('unshare', words, { stdio: 'inherit', env: { ...process.env, [MARK]: '1' } });
  process.exit(status ?? 1);
}
