import { pathOf } from '../files/container-path.ts';
import { LayeredRoot } from './layered-root.ts';

/** What is mounted into every container. */
const ETC_FILES = ['resolv.conf', 'hostname', 'hosts'];

/**
 * What Docker makes at create, so that it can be written to before the first start: the working directory, and something
 * to mount /etc's own files on. What is behind a symlink the runtime makes. Costs a millisecond on a busy disk, which the start is spared.
 * @throws EngineError where the working directory is a file
 */
export function makeMountPoints(upper: string, layerDirs: readonly string[], workingDir: string): void {
  const root = new LayeredRoot(upper, layerDirs);
  root.makeDirectories(pathOf(workingDir));
  if (root.kindOf('/etc') === 'other') return;
  for (const path of ETC_FILES.map((name) => `/etc/${name}`)) if (root.kindOf(path) === 'absent') root.makeFile(path);
}
