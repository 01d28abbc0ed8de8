import type { NodeRow } from '../../docker-api/caravela-types.ts';
import type { Info } from '../../docker-api/types.ts';
import type { Backend } from '../backend.ts';
import { statusOf } from '../containers/status.ts';

/** What `info` counts: of one node, or summed over the instance. */
export type NodeCounts = Pick<
  Info,
  'Containers' | 'ContainersRunning' | 'ContainersPaused' | 'ContainersStopped' | 'Images' | 'NCPU' | 'MemTotal'
>;

export async function nodeInfo(backend: Backend): Promise<NodeCounts> {
  const host = backend.host();
  const statuses = backend.containers().map(statusOf);
  const running = statuses.filter((s) => s === 'running' || s === 'restarting').length;
  const paused = statuses.filter((s) => s === 'paused').length;
  return {
    Containers: statuses.length,
    ContainersRunning: running,
    ContainersPaused: paused,
    ContainersStopped: statuses.length - running - paused,
    Images: (await backend.images.list()).length,
    NCPU: host.cpus,
    MemTotal: host.memoryBytes,
  };
}

/** `GET /info`: Docker's fields; the nodes as classic Swarm listed them, which Docker's client still prints. */
export function infoOf(backend: Backend, counts: NodeCounts, nodes: readonly NodeRow[]): Info {
  const host = backend.host();
  const instance = backend.instance();
  const self = backend.self();
  return {
    ID: self.id,
    Name: self.name,
    ServerVersion: backend.version,
    ...counts,
    Driver: 'overlay2',
    DriverStatus: [],
    SystemStatus: nodeLines(nodes),
    DockerRootDir: host.dataDir,
    LoggingDriver: 'json-file',
    CgroupDriver: 'cgroupfs',
    CgroupVersion: String(host.cgroupVersion),
    NEventsListener: 0,
    KernelVersion: host.kernelVersion,
    OperatingSystem: host.operatingSystem,
    OSVersion: '',
    OSType: 'linux',
    Architecture: host.architecture,
    IndexServerAddress: 'https://index.docker.io/v1/',
    MemoryLimit: true,
    SwapLimit: true,
    CpuCfsPeriod: true,
    CpuCfsQuota: true,
    CPUShares: true,
    CPUSet: true,
    PidsLimit: true,
    IPv4Forwarding: true,
    BridgeNfIptables: false,
    BridgeNfIp6tables: false,
    KernelMemory: false,
    OomKillDisable: host.cgroupVersion === 1,
    NFd: -1,
    NGoroutines: -1,
    Debug: false,
    SystemTime: new Date(backend.wallMs()).toISOString(),
    Labels: Object.entries(self.labels).map(([key, value]) => `${key}=${value}`),
    ExperimentalBuild: false,
    HttpProxy: '',
    HttpsProxy: '',
    NoProxy: '',
    DefaultRuntime: host.engineName,
    Runtimes: { [host.engineName]: { path: host.engineName } },
    SecurityOptions: host.seccomp ? ['name=seccomp,profile=builtin'] : [],
    InitBinary: '',
    Isolation: '',
    GenericResources: null,
    ProductLicense: '',
    DefaultAddressPools: null,
    ClusterStore: '',
    ClusterAdvertise: '',
    ContainerdCommit: NO_COMMIT,
    RuncCommit: { ID: host.engineVersion, Expected: host.engineVersion },
    InitCommit: NO_COMMIT,
    CDISpecDirs: null,
    LiveRestoreEnabled: true,
    Plugins: { Volume: ['local'], Network: ['caravela', 'host', 'null'], Authorization: [], Log: ['json-file'] },
    RegistryConfig: { InsecureRegistryCIDRs: ['127.0.0.0/8'], IndexConfigs: indexes(instance.insecureRegistries), Mirrors: [] },
    Swarm: { NodeID: '', NodeAddr: '', LocalNodeState: 'inactive', ControlAvailable: false, Error: '', RemoteManagers: null },
    Warnings: [],
  };
}

/** What this engine has not. */
const NO_COMMIT = { ID: '', Expected: '' };

function indexes(insecure: readonly string[]): Record<string, unknown> {
  const hub = { Name: 'docker.io', Mirrors: [], Secure: true, Official: true };
  const others = insecure.map((name) => [name, { Name: name, Mirrors: [], Secure: false, Official: false }] as const);
  return { 'docker.io': hub, ...Object.fromEntries(others) };
}

function nodeLines(nodes: readonly NodeRow[]): [string, string][] {
  const lines: [string, string][] = [['Nodes', String(nodes.length)]];
  for (const node of nodes) {
    const labels = Object.entries(node.labels).map(([key, value]) => `${key}=${value}`);
    lines.push(
      [` ${node.name}`, node.address],
      ['  └ ID', node.id],
      ['  └ Status', node.containers < 0 && node.state === 'alive' ? 'alive, did not answer' : node.state],
      ['  └ Containers', node.containers < 0 ? 'unknown' : String(node.containers)],
      ['  └ Reserved CPUs', `${node.cpus.reserved / 1000} / ${node.cpus.capacity / 1000}`],
      ['  └ Reserved Memory', `${mebibytes(node.memory.reserved)} / ${mebibytes(node.memory.capacity)}`],
      ['  └ Class', `${node.class}, ${node.arch}`],
      ['  └ Labels', labels.join(', ')],
    );
  }
  return lines;
}

const mebibytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MiB`;
