import type { Member } from '../../core/model/index.ts';
import type { ContainerConfig, ContainerInspect, ContainerState, HostConfig, NodeOfContainer } from '../../docker-api/types.ts';
import { affinityText } from './affinity.ts';
import { expressionText } from './expression.ts';
import { type ContainerFacts, imageName } from './facts.ts';
import { networkModeOf, networkSettingsOf, portBindingsOf } from './network-settings.ts';
import { portText } from './networking/ports.ts';
import { exitCodeOf, statusOf, timeText } from './status.ts';

/** `GET /containers/{id}/json`, the whole of Docker's shape. */
export function inspectOf(facts: ContainerFacts, node: Member, members: readonly Member[]): ContainerInspect {
  const { container, details } = facts;
  return {
    Id: container.request.containerId,
    Created: timeText(container.createdAtMs),
    Path: details.path,
    Args: [...details.args],
    State: stateOf(facts),
    Image: details.imageId,
    ResolvConfPath: '',
    HostnamePath: '',
    HostsPath: '',
    LogPath: details.logPath,
    Name: `/${container.name}`,
    RestartCount: container.restartCount,
    Driver: 'overlay2',
    Platform: 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: '',
    ExecIDs: null,
    HostConfig: hostConfigOf(facts),
    GraphDriver: { Name: 'overlay2', Data: null },
    Mounts: [],
    Config: configOf(facts),
    NetworkSettings: networkSettingsOf(facts),
    Node: nodeOf(node),
    Caravela: caravelaOf(facts, members),
  };
}

function caravelaOf({ container, published }: ContainerFacts, members: readonly Member[]): ContainerInspect['Caravela'] {
  const { class: cpuClass, policy, constraints, affinities } = container.request;
  return {
    Class: cpuClass,
    Policy: policy,
    Constraints: constraints.map(expressionText),
    Affinities: affinities.map(affinityText),
    Published: published.map(({ containerPort, protocol, hostIp, hostPort, node }) => ({
      Port: portText({ port: containerPort, protocol }),
      HostIp: hostIp,
      HostPort: hostPort,
      Node: members.find(({ id }) => id === node)?.name ?? node,
    })),
  };
}

/** Classic Swarm's way to say where. */
export function nodeOf(node: Member): NodeOfContainer {
  return { ID: node.id, Name: node.name, IP: node.address.ip, Addr: `${hostText(node.address.ip)}:${node.address.controlPort}` };
}

const hostText = (ip: string): string => (ip.includes(':') ? `[${ip}]` : ip);

function stateOf({ container }: ContainerFacts): ContainerState {
  const { task } = container;
  const status = statusOf(container);
  return {
    Status: status,
    // Docker says Running of a container between two restarts, too.
    Running: status === 'running' || status === 'restarting',
    Paused: false,
    Restarting: status === 'restarting',
    OOMKilled: task?.oomKilled ?? false,
    Dead: false,
    Pid: task?.pid ?? 0,
    ExitCode: status === 'running' ? 0 : exitCodeOf(container),
    Error: task?.error ?? '',
    StartedAt: timeText(task?.startedAtMs ?? 0),
    FinishedAt: timeText(task?.finishedAtMs ?? 0),
  };
}

function configOf({ spec, details }: ContainerFacts): ContainerConfig {
  return {
    Hostname: details.hostname,
    Domainname: spec.domainname ?? '',
    User: details.user,
    AttachStdin: false,
    AttachStdout: true,
    AttachStderr: true,
    Tty: spec.tty,
    OpenStdin: spec.openStdin,
    StdinOnce: spec.stdinOnce,
    ...exposedPortsOf(spec),
    Env: [...details.env],
    Cmd: details.command === null ? null : [...details.command],
    Image: imageName(spec),
    Volumes: null,
    WorkingDir: details.workingDir,
    Entrypoint: details.entrypoint === null ? null : [...details.entrypoint],
    Labels: { ...details.labels },
    StopSignal: details.stopSignal,
    ...(spec.stopTimeoutSeconds > 0 ? { StopTimeout: spec.stopTimeoutSeconds } : {}),
  };
}

/** Docker leaves it out where there is none. */
function exposedPortsOf({ exposedPorts = [] }: ContainerFacts['spec']): Pick<ContainerConfig, 'ExposedPorts'> {
  return exposedPorts.length === 0 ? {} : { ExposedPorts: Object.fromEntries(exposedPorts.map((key) => [key, {}])) };
}

/** As asked: what was not asked is Docker's zero, not what the container holds (DESIGN §2.1). */
function hostConfigOf({ container, spec, details }: ContainerFacts): HostConfig {
  const { restart, autoRemove } = container.request;
  return {
    Binds: null,
    LogConfig: { Type: 'json-file', Config: {} },
    NetworkMode: networkModeOf(spec),
    PortBindings: portBindingsOf(spec),
    PublishAllPorts: false,
    RestartPolicy: { Name: restart.name, MaximumRetryCount: restart.maximumRetries },
    AutoRemove: autoRemove,
    VolumesFrom: null,
    CapAdd: spec.capAdd.length > 0 ? [...spec.capAdd] : null,
    CapDrop: spec.capDrop.length > 0 ? [...spec.capDrop] : null,
    Dns: [...spec.dns.servers],
    DnsOptions: [...spec.dns.options],
    DnsSearch: [...spec.dns.search],
    ExtraHosts: spec.extraHosts.length > 0 ? [...spec.extraHosts] : null,
    Links: null,
    GroupAdd: null,
    IpcMode: 'private',
    PidMode: '',
    UTSMode: '',
    UsernsMode: '',
    Privileged: false,
    ReadonlyRootfs: spec.readonlyRootfs,
    SecurityOpt: null,
    ShmSize: 64 * 1024 * 1024,
    Runtime: details.runtime,
    CgroupParent: '',
    Init: spec.init,
    CpuShares: 0,
    CpuPeriod: 0,
    CpuQuota: 0,
    CpusetCpus: '',
    CpusetMems: '',
    NanoCpus: spec.nanoCpus,
    Memory: spec.memoryBytes,
    MemoryReservation: 0,
    MemorySwap: 0,
    OomKillDisable: false,
    OomScoreAdj: 0,
    PidsLimit: spec.pidsLimit > 0 ? spec.pidsLimit : null,
    Devices: [],
    Ulimits: null,
  };
}
