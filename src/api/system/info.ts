import type { NodeRow } from '../../docker-api/caravela-types.ts';
import type { Info } from '../../docker-api/types.ts';
import type { Backend } from '../backend.ts';
import { statusOf } from '../containers/status.ts';

/** What `info` counts: of one node, or summed over the instance. */
export type NodeCounts = Pick<Info, 'Containers' | 'ContainersRunning' | 'ContainersStopped' | 'Images' | 'NCPU' | 'MemTotal'>;

export async function nodeInfo(backend: Backend): Promise<NodeCounts> {
  const host = backend.host();
  const statuses = backend.containers().map(statusOf);
  const running = statuses.filter((s) => s === 'running' || s === 'restarting').length;
  return {
    Containers: statuses.length,
    ContainersRunning: running,
    ContainersStopped: statuses.length - running,
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
    ContainersPaused: 0,
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
    OomKillDisable: false,
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
    LiveRestoreEnabled: true,
    Plugins: { Volume: [], Network: ['caravela', 'host', 'null'], Authorization: [], Log: ['json-file'] },
    RegistryConfig: { InsecureRegistryCIDRs: ['127.0.0.0/8'], IndexConfigs: insecureIndexes(instance.insecureRegistries), Mirrors: [] },
    Swarm: { NodeID: '', LocalNodeState: 'inactive', ControlAvailable: false },
    Warnings: [],
  };
}

function insecureIndexes(registries: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(registries.map((name) => [name, { Name: name, Mirrors: [], Secure: false, Official: false }]));
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
