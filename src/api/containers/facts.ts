import type { Backend } from '../backend.ts';
import type { Container } from '../../core/model/index.ts';
import { familiarReference } from '../images/reference.ts';
import type { ContainerDetails, ContainerHealth, ContainerSpec, MountWish } from '../../engine/port.ts';
import { assert } from '../../lib/assert.ts';
import { type MountFacts, mountFacts } from './mounts/mount-facts.ts';
import type { EndpointFacts, PortFacts } from '../network-service.ts';

/** A container with what was asked of the engine and what the engine made of it. */
export interface ContainerFacts {
  readonly container: Container;
  readonly spec: ContainerSpec;
  readonly details: ContainerDetails;
  /** What it has on its networks, and where its published ports are served. */
  readonly endpoints: readonly EndpointFacts[];
  readonly published: readonly PortFacts[];
  /** What is mounted in it: as asked, and volumes of its image. */
  readonly mounts: readonly MountFacts[];
  /** Of what checks it; undefined where nothing does. */
  readonly health: ContainerHealth | undefined;
}

/** The spec was written by `create` of this or another node's API. */
export function specOf(container: Container): ContainerSpec {
  const spec = { ...BEFORE_NETWORKS, ...(JSON.parse(container.request.spec) as ContainerSpec) };
  assert(
    typeof spec === 'object' && spec !== null && typeof spec.image === 'object',
    `container ${container.request.containerId} has no spec`,
  );
  return spec;
}

/** What the spec of a container lacks that was made before there were networks. */
const BEFORE_NETWORKS: Partial<ContainerSpec> = {
  networks: [],
  networkOf: '',
  ports: [],
  dns: { servers: [], search: [], options: [] },
  extraHosts: [],
};

/** Asks the engine; a container that it is still preparing, or has lost, is shown as it was asked for. */
export async function factsOf(backend: Backend, container: Container): Promise<ContainerFacts> {
  const spec = specOf(container);
  const { containerId } = container.request;
  const { networks, access } = backend;
  const [details, health] = await Promise.all([
    backend.details(containerId).catch(() => detailsAsAsked(container, spec)),
    access.health(containerId).catch(() => undefined),
  ]);
  return {
    container,
    spec,
    details,
    endpoints: networks.endpointsOf(containerId),
    published: networks.portsOf(containerId),
    mounts: await mountFacts(backend.volumes.here, mountsOf(spec, details)),
    health,
  };
}

const mountsOf = (spec: ContainerSpec, details: ContainerDetails): readonly MountWish[] => details.mounts ?? spec.mounts ?? [];

/** The image as it was asked for. */
export const imageName = (spec: ContainerSpec): string => spec.imageAsked ?? familiarReference(spec.image.reference);

function detailsAsAsked(container: Container, spec: ContainerSpec): ContainerDetails {
  const words = [...(spec.entrypoint ?? []), ...(spec.command ?? [])];
  return {
    imageId: spec.image.digest,
    path: words[0] ?? '',
    args: words.slice(1),
    entrypoint: spec.entrypoint,
    command: spec.command,
    env: spec.env,
    labels: spec.labels,
    workingDir: spec.workingDir,
    user: spec.user,
    hostname: spec.hostname || container.request.containerId.slice(0, 12),
    stopSignal: spec.stopSignal,
    logPath: '',
    runtime: '',
    maskedPaths: spec.extras?.maskedPaths ?? [],
    readonlyPaths: spec.extras?.readonlyPaths ?? [],
  };
}
