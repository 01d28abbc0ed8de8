import type { HostConfig, MountRequest } from '../../docker-api/types.ts';
import type { ContainerFacts } from './facts.ts';
import { networkModeOf, portBindingsOf } from './network-settings.ts';

/** Docker's /dev/shm where it was not asked for. */
const SHM_BYTES = 64 * 1024 * 1024;

/** As asked: what was not asked is Docker's zero, not what the container holds (DESIGN §2.1). */
export function hostConfigOf(facts: ContainerFacts): HostConfig {
  const { container, spec, details } = facts;
  const { restart, autoRemove } = container.request;
  const { extras = {} } = spec;
  return {
    ...mountsAsked(facts),
    ...limits(facts),
    ...isolation(facts),
    LogConfig: { Type: extras.log?.driver ?? 'json-file', Config: { ...extras.log?.options } },
    NetworkMode: networkModeOf(spec),
    PortBindings: portBindingsOf(spec),
    PublishAllPorts: spec.publishAll ?? false,
    RestartPolicy: { Name: restart.name, MaximumRetryCount: restart.maximumRetries },
    AutoRemove: autoRemove,
    VolumeDriver: '',
    ConsoleSize: [spec.terminalSize?.rows ?? 0, spec.terminalSize?.columns ?? 0],
    Dns: [...spec.dns.servers],
    DnsOptions: [...spec.dns.options],
    DnsSearch: [...spec.dns.search],
    ExtraHosts: listOrNull(spec.extraHosts),
    GroupAdd: listOrNull(extras.groupAdd),
    Links: listOrNull(spec.networks[0]?.links?.map((link) => `/${link.container}:/${container.name}/${link.alias}`)),
    OomScoreAdj: extras.oomScoreAdj ?? 0,
    Runtime: details.runtime,
    Init: spec.init,
    Devices: (extras.devices ?? []).map(({ hostPath, containerPath, permissions }) => ({
      PathOnHost: hostPath,
      PathInContainer: containerPath,
      CgroupPermissions: permissions,
    })),
    DeviceCgroupRules: listOrNull(extras.deviceCgroupRules),
    DeviceRequests: null,
    Ulimits: (extras.ulimits ?? []).map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard })),
  };
}

function mountsAsked({ spec: { askedMounts } }: ContainerFacts): Partial<HostConfig> {
  return {
    Binds: listOrNull(askedMounts?.binds),
    VolumesFrom: listOrNull(askedMounts?.volumesFrom),
    // Clients tell from its being there that there are some.
    ...(askedMounts !== undefined && askedMounts.mounts.length > 0 ? { Mounts: askedMounts.mounts as unknown as MountRequest[] } : {}),
    ...(askedMounts !== undefined && Object.keys(askedMounts.tmpfs).length > 0 ? { Tmpfs: { ...askedMounts.tmpfs } } : {}),
  };
}

function limits({ spec }: ContainerFacts): Partial<HostConfig> {
  const { extras = {} } = spec;
  return {
    CpuShares: extras.cpuShares ?? 0,
    CpuPeriod: extras.cpuPeriod ?? 0,
    CpuQuota: extras.cpuQuota ?? 0,
    CpuRealtimePeriod: 0,
    CpuRealtimeRuntime: 0,
    CpusetCpus: extras.cpusetCpus ?? '',
    CpusetMems: extras.cpusetMems ?? '',
    NanoCpus: spec.nanoCpus,
    Memory: spec.memoryBytes,
    MemoryReservation: extras.memoryReservationBytes ?? 0,
    // As the engine has it: as much swap as memory.
    MemorySwap: extras.memorySwapBytes ?? 2 * spec.memoryBytes,
    MemorySwappiness: null,
    OomKillDisable: extras.oomKillDisable ?? false,
    // Of one that is to have none Docker says 0.
    PidsLimit: spec.pidsLimit === 0 ? null : Math.max(0, spec.pidsLimit),
    ShmSize: extras.shmBytes ?? SHM_BYTES,
    BlkioWeight: 0,
    BlkioWeightDevice: null,
    BlkioDeviceReadBps: null,
    BlkioDeviceWriteBps: null,
    BlkioDeviceReadIOps: null,
    BlkioDeviceWriteIOps: null,
    KernelMemory: 0,
    CpuCount: 0,
    CpuPercent: 0,
    IOMaximumIOps: 0,
    IOMaximumBandwidth: 0,
  };
}

function isolation({ spec, details }: ContainerFacts): Partial<HostConfig> {
  const { extras = {} } = spec;
  return {
    CapAdd: listOrNull(spec.capAdd),
    CapDrop: listOrNull(spec.capDrop),
    CgroupnsMode: extras.cgroupnsMode ?? 'private',
    Cgroup: '',
    CgroupParent: '',
    ContainerIDFile: '',
    IpcMode: extras.ipcMode ?? 'private',
    Isolation: '',
    PidMode: extras.pidMode ?? '',
    Privileged: extras.privileged ?? false,
    ReadonlyRootfs: spec.readonlyRootfs,
    SecurityOpt: listOrNull(extras.securityOptions),
    ...(extras.sysctls === undefined ? {} : { Sysctls: { ...extras.sysctls } }),
    UTSMode: extras.utsMode ?? '',
    UsernsMode: '',
    // Of a privileged container Docker says null: whoever makes another from this gets the same.
    MaskedPaths: asked(extras.maskedPaths) ?? listOrNull(details.maskedPaths),
    ReadonlyPaths: asked(extras.readonlyPaths) ?? listOrNull(details.readonlyPaths),
  };
}

const asked = <T>(list: readonly T[] | undefined): T[] | undefined => list?.slice();
const listOrNull = <T>(list: readonly T[] | undefined): T[] | null => (list === undefined || list.length === 0 ? null : [...list]);
