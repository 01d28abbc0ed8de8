import { chmod, mkdir } from 'node:fs/promises';
import { hostname as hostName } from 'node:os';
import { type ContainerId, shortId } from '../../core/model/index.ts';
import { assertNever } from '../../lib/assert.ts';
import { healthCheckOf } from '../health/health-check.ts';
import { type BlobSource, type ContainerSpec, EngineError, ImageError, type ImageRef, type MountWish } from '../port.ts';
import { containerCapabilities } from './capabilities.ts';
import type { Host } from './host.ts';
import { containerMounts } from './mounts/container-mounts.ts';
import { type FillSource, fillVolumes } from './mounts/fill-volumes.ts';
import { makeMountPoints } from './mounts/make-mount-points.ts';
import { prepareMounts } from './mounts/prepare-mounts.ts';
import { anonymousVolumes, volumeNames } from './mounts/volume-names.ts';
import { parseSecurityOptions } from './runtime-spec-security.ts';
import { mergeProcessConfig } from './process-config.ts';
import { type ContainerRecord, writeRecord } from './record.ts';
import type { Rootfs, RootfsProvider } from './rootfs-provider.ts';

/** Fetches the image where it isn't here, and writes the container's directory, its record last. @throws EngineError */
export async function createContainer(
  host: Host,
  images: RootfsProvider,
  id: ContainerId,
  spec: ContainerSpec,
  sources: readonly BlobSource[],
  signal: AbortSignal,
  hostnameOf: (other: ContainerId) => string | undefined,
): Promise<ContainerRecord> {
  containerCapabilities(spec.capAdd, spec.capDrop, host.ownCapabilities, spec.extras?.privileged);
  parseSecurityOptions(spec.extras?.securityOptions);
  const rootfs = await obtain(images, spec, sources, signal);
  try {
    const process = mergeProcessConfig(spec, rootfs.config, spec.hostname || inheritedName(spec, hostnameOf) || shortId(id));
    const paths = host.paths.container(id);
    for (const dir of [paths.upper, paths.work, paths.logDir]) await mkdir(dir, { recursive: true });
    // It is the container's root directory: anyone may pass, whatever our umask.
    await chmod(paths.upper, 0o755);
    makeMountPoints(paths.upper, rootfs.layerDirs, process.workingDir);
    const mounts = containerMounts(id, spec, rootfs.config);
    await provideMounts(host, id, mounts, { layerDirs: rootfs.layerDirs, at: paths.logDir, signal });
    const health = healthCheckOf(spec.extras?.healthcheck, rootfs.config);
    const record: ContainerRecord = {
      version: 1,
      id,
      spec,
      imageId: rootfs.imageId,
      layerDirs: rootfs.layerDirs,
      process,
      mounts,
      ...(health === undefined ? {} : { health }),
    };
    await writeRecord(paths.record, record, true);
    images.retain(spec.image.digest, id);
    return record;
  } catch (error) {
    host.volumes.release(id);
    throw error;
  } finally {
    rootfs.release();
  }
}

/** What is mounted is there, and filled, or nothing of it. */
async function provideMounts(host: Host, id: ContainerId, mounts: readonly MountWish[], source: FillSource): Promise<void> {
  host.volumes.retain(id, volumeNames(mounts));
  try {
    await prepareMounts(mounts, host.volumes);
    await fillVolumes(mounts, host.volumes, source);
  } catch (error) {
    host.volumes.release(id);
    await host.volumes.removeAnonymous(anonymousVolumes(mounts));
    throw error;
  }
}

/** Who shares a network shares the name that its hosts file has. Empty: it has one of its own. */
function inheritedName(spec: ContainerSpec, hostnameOf: (other: ContainerId) => string | undefined): string {
  switch (spec.networkMode) {
    case 'host':
      return hostName();
    case 'container':
      return hostnameOf(spec.networkOf as ContainerId) ?? '';
    case 'none':
    case 'networks':
      return '';
    default:
      return assertNever(spec.networkMode);
  }
}

/** A container that is there after a power cut has its image, too. */
async function obtain(images: RootfsProvider, spec: ContainerSpec, sources: readonly BlobSource[], signal: AbortSignal): Promise<Rootfs> {
  try {
    let rootfs = await rootfsHere(images, spec.image);
    if (rootfs === undefined) {
      await images.fetch(spec.image, sources, signal);
      rootfs = await images.rootfsOf(spec.image);
    }
    try {
      await images.settled(spec.image);
    } catch (error) {
      rootfs.release();
      throw error;
    }
    return rootfs;
  } catch (error) {
    if (error instanceof ImageError) throw new EngineError('image-missing', error.message);
    throw error;
  }
}

async function rootfsHere(images: RootfsProvider, image: ImageRef): Promise<Rootfs | undefined> {
  try {
    return await images.rootfsOf(image);
  } catch (error) {
    if (error instanceof ImageError && error.code === 'not-found') return undefined;
    throw error;
  }
}
