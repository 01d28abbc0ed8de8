import type { Command } from 'commander';
import type { HostConfig, MountRequest } from '../../docker-api/types.ts';
import { collect, value } from '../commands/options.ts';
import { parseDevice } from '../parse/device.ts';
import { parseMountOption } from '../parse/mount-option.ts';
import { parseTmpfs } from '../parse/tmpfs.ts';
import { parseVolumeOption, type VolumeOption } from '../parse/volume-option.ts';
import { parseSize } from '../../lib/size.ts';
import { gather } from './gather.ts';

/** What of `run` and `container create` concerns files from elsewhere, as commander gives it. */
export interface MountOptions {
  readonly volume?: readonly VolumeOption[];
  readonly mount?: readonly MountRequest[];
  readonly tmpfs?: readonly (readonly [path: string, options: string])[];
  readonly volumesFrom?: readonly string[];
  readonly volumeDriver?: string;
  readonly device?: readonly NonNullable<HostConfig['Devices']>[number][];
  readonly shmSize?: number;
}

export function addMountOptions(command: Command): void {
  command
    .option(
      '-v, --volume <mount>',
      'a volume, or a path of the node asked: NAME:/path, /host:/path:ro, ./here:/path, /path',
      gather((text) => parseVolumeOption(text, process.cwd())),
    )
    .option(
      '--mount <mount>',
      'the same in full: type=volume,source=NAME,target=/path,readonly; type=bind; type=tmpfs',
      gather(parseMountOption),
    )
    .option('--tmpfs <path>', 'files in memory: /run, /run:size=64m', gather(parseTmpfs))
    .option('--volumes-from <container>', 'what that one has mounted, on its node; :ro to only read', collect)
    .option('--volume-driver <driver>', 'local is all there is')
    .option('--device <device>', 'a device of its node: /dev/fuse, /dev/sda:/dev/xvda:r', gather(parseDevice))
    .option('--shm-size <size>', 'of /dev/shm', value(parseSize));
}

/** Targets of volumes that nobody named: part of Config, not of HostConfig. */
export function anonymousVolumes({ volume = [] }: MountOptions): Record<string, object> | undefined {
  const targets = volume.flatMap((each) => (each.kind === 'anonymous' ? [each.target] : []));
  return targets.length === 0 ? undefined : Object.fromEntries(targets.map((target) => [target, {}]));
}

export function mountsHost({ volume = [], mount, tmpfs, volumesFrom, volumeDriver, device, shmSize }: MountOptions): HostConfig {
  const binds = volume.flatMap((each) => (each.kind === 'bind' ? [each.bind] : []));
  return {
    ...(binds.length === 0 ? {} : { Binds: binds }),
    ...(mount === undefined ? {} : { Mounts: [...mount] }),
    ...(tmpfs === undefined ? {} : { Tmpfs: Object.fromEntries(tmpfs) }),
    ...(volumesFrom === undefined ? {} : { VolumesFrom: [...volumesFrom] }),
    ...(volumeDriver === undefined ? {} : { VolumeDriver: volumeDriver }),
    ...(device === undefined ? {} : { Devices: [...device] }),
    ...(shmSize === undefined ? {} : { ShmSize: shmSize }),
  };
}
