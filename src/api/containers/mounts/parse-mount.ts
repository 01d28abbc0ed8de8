import type { MountWish } from '../../../engine/port.ts';
import { ApiError } from '../../http/api-error.ts';
import type { MountBody } from '../create-body.ts';
import { checkVolumeName, pathOf, propagationOf, volumeOf } from './parse-binds.ts';
import { modeOf } from './parse-tmpfs.ts';

/** One of HostConfig.Mounts, as `--mount` says it. @throws ApiError 400, 501: Docker's words where it has some */
export function parseMount(mount: MountBody): MountWish {
  const { Type: type, Source: source = '', Target: target = '', ReadOnly: readOnly = false } = mount;
  const fail = (why: string): ApiError => new ApiError(400, `invalid mount config for type "${type.slice(0, 40)}": ${why}`);
  if (target === '') throw fail('field Target must not be empty');
  if (!target.startsWith('/')) throw fail(`invalid mount path: '${target.slice(0, 200)}' mount path must be absolute`);
  if (pathOf(target) === '/') throw fail("invalid specification: destination can't be '/'");
  refuseOptionsOf(mount, fail);
  const common = { target: pathOf(target), readOnly };
  switch (type) {
    case 'bind': {
      if (source === '') throw fail('field Source must not be empty');
      if (!source.startsWith('/')) throw fail(`invalid mount path: '${source.slice(0, 200)}' mount path must be absolute`);
      const { Propagation: propagation = '', NonRecursive, CreateMountpoint: createSource = false } = mount.BindOptions ?? {};
      return {
        kind: 'bind',
        ...common,
        source: pathOf(source),
        propagation: propagationOf(propagation),
        createSource,
        ...(NonRecursive === true ? { nonRecursive: true } : {}),
      };
    }
    case 'volume': {
      const { NoCopy: noCopy = false, Labels, DriverConfig, Subpath } = mount.VolumeOptions ?? {};
      refuseDriver(DriverConfig?.Name ?? '');
      if (Object.keys(DriverConfig?.Options ?? {}).length > 0) {
        throw new ApiError(
          501,
          `Caravela does not have options of the local volume driver: ${JSON.stringify(DriverConfig?.Options).slice(0, 120)}`,
        );
      }
      if ((Subpath ?? '') !== '') throw new ApiError(501, 'Caravela does not have parts of volumes (volume-subpath)');
      const volume = volumeOf(source === '' ? '' : checkVolumeName(source), common.target);
      return { ...volume, readOnly, noCopy, labels: Labels ?? {} };
    }
    case 'tmpfs': {
      if (source !== '') throw fail('field Source must not be specified');
      const { SizeBytes, Mode } = mount.TmpfsOptions ?? {};
      if ((SizeBytes ?? 0) < 0) throw fail(`invalid size: ${SizeBytes}`);
      return { kind: 'tmpfs', ...common, sizeBytes: SizeBytes ?? 0, mode: modeOf(Mode ?? undefined), options: [] };
    }
    default:
      throw new ApiError(
        400,
        `invalid mount config: mount type unknown: ${JSON.stringify(type.slice(0, 40))} is not bind, volume or tmpfs`,
      );
  }
}

/** @throws ApiError 501 */
export function refuseDriver(name: string): void {
  if (name !== '' && name !== 'local') {
    throw new ApiError(501, `Caravela does not have volume drivers but local: the driver was ${JSON.stringify(name.slice(0, 80))}`);
  }
}

const OPTIONS = { bind: 'BindOptions', volume: 'VolumeOptions', tmpfs: 'TmpfsOptions' } as const;

/** Docker's: what is of another kind of mount is a mistake. */
function refuseOptionsOf(mount: MountBody, fail: (why: string) => ApiError): void {
  for (const [type, field] of Object.entries(OPTIONS)) {
    const given = mount[field];
    if (type !== mount.Type && given !== undefined && given !== null) throw fail(`field ${field} must not be specified`);
  }
}
