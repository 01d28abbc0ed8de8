import { lstatSync, readdirSync, realpathSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '../../linux/system-error.ts';
import { EngineError, type SpecExtras } from '../port.ts';

/** A node to be made in the container (linux.devices). */
export interface DeviceNode {
  readonly path: string;
  readonly type: 'c' | 'b';
  readonly major: number;
  readonly minor: number;
  readonly fileMode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Who may use what (linux.resources.devices); a number left out is any. */
export interface DeviceRule {
  readonly allow: boolean;
  readonly type?: string;
  readonly major?: number;
  readonly minor?: number;
  readonly access: string;
}

export interface TaskDevices {
  readonly nodes: readonly DeviceNode[];
  readonly rules: readonly DeviceRule[];
}

/** What a container has of its own, whatever the host has there. */
const OF_ITS_OWN = ['pts', 'shm', 'fd', 'mqueue', 'console', 'ptmx', '.udev', '.lxc', '.lxd-mounts'];
const MOST_DEVICES = 4_096;

/** The host's devices that a container is given: those asked for, or all of them. @throws EngineError in Docker's words */
export function taskDevices(extras: Pick<SpecExtras, 'privileged' | 'devices'> = {}): TaskDevices {
  // The rule for all of them is another.
  if (extras.privileged === true) return { nodes: devicesBelow('/dev', '/dev'), rules: [] };
  const given = (extras.devices ?? []).map(({ hostPath, containerPath, permissions }) => {
    const nodes = devicesAt(hostPath, containerPath || hostPath);
    const access = permissions || 'rwm';
    return { nodes, rules: nodes.map(({ type, major, minor }): DeviceRule => ({ allow: true, type, major, minor, access })) };
  });
  return { nodes: given.flatMap(({ nodes }) => nodes), rules: given.flatMap(({ rules }) => rules) };
}

function devicesAt(hostPath: string, containerPath: string): DeviceNode[] {
  const refused = (why: string) =>
    new EngineError('engine-failed', `error gathering device information while adding custom device "${hostPath}": ${why}`);
  try {
    const path = realpathSync(hostPath);
    const stat = lstatSync(path);
    const nodes = stat.isDirectory() ? devicesBelow(path, containerPath) : deviceOf(stat, containerPath);
    if (nodes.length === 0) throw refused('not a device node');
    return nodes;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) throw refused('no such file or directory');
    throw error instanceof EngineError ? error : refused(error instanceof Error ? error.message : String(error));
  }
}

function devicesBelow(hostDir: string, containerDir: string): DeviceNode[] {
  const found: DeviceNode[] = [];
  for (const name of readdirSync(hostDir)) {
    if (OF_ITS_OWN.includes(name)) continue;
    const stat = lstatSync(join(hostDir, name), { throwIfNoEntry: false });
    if (stat === undefined) continue;
    const path = join(containerDir, name);
    found.push(...(stat.isDirectory() ? devicesBelow(join(hostDir, name), path) : deviceOf(stat, path)));
    if (found.length > MOST_DEVICES) throw new EngineError('engine-failed', `${hostDir} has more than ${MOST_DEVICES} devices`);
  }
  return found;
}

/** None for what is no device. */
function deviceOf(stat: Stats, path: string): DeviceNode[] {
  if (!stat.isCharacterDevice() && !stat.isBlockDevice()) return [];
  const { major, minor } = deviceNumbers(stat.rdev);
  const type = stat.isBlockDevice() ? 'b' : 'c';
  return [{ path, type, major, minor, fileMode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid }];
}

/** glibc's major and minor of a device number. */
export function deviceNumbers(rdev: number): { readonly major: number; readonly minor: number } {
  return { major: Math.floor(rdev / 0x100) % 0x1000, minor: (rdev % 0x100) + Math.floor(rdev / 0x100000) * 0x100 };
}
