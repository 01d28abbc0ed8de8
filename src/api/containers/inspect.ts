import type { Member } from '../../core/model/index.ts';
import type { ContainerConfig, ContainerInspect, ContainerState, HealthState, NodeOfContainer } from '../../docker-api/types.ts';
import type { ContainerPlaces } from '../../engine/port.ts';
import { affinityText } from './affinity.ts';
import { expressionText } from './expression.ts';
import { type ContainerFacts, imageName } from './facts.ts';
import { hostConfigOf } from './host-config.ts';
import { mountPointsOf } from './mounts/mount-facts.ts';
import { networkSettingsOf } from './network-settings.ts';
import { portText } from './networking/ports.ts';
import { exitCodeOf, statusOf, timeText } from './status.ts';

/** What inspect says beside the container's own facts. */
export interface InspectOptions {
  readonly node: Member;
  readonly members: readonly Member[];
  /** Of its processes by exec that have not ended. */
  readonly execIds: readonly string[];
  /** Bytes; undefined: not asked for. */
  readonly sizes: { readonly writtenBytes: number; readonly rootBytes: number } | undefined;
}

/** `GET /containers/{id}/json`, the whole of Docker's shape. */
export function inspectOf(facts: ContainerFacts, { node, members, execIds, sizes }: InspectOptions): ContainerInspect {
  const { container, details, spec } = facts;
  const { places } = details;
  return {
    Id: container.request.containerId,
    Created: timeText(container.createdAtMs),
    Path: details.path,
    Args: [...details.args],
    State: stateOf(facts),
    Image: details.imageId,
    ResolvConfPath: places?.running?.resolvConf ?? '',
    HostnamePath: places?.running?.hostname ?? '',
    HostsPath: places?.running?.hosts ?? '',
    LogPath: details.logPath,
    Name: `/${container.name}`,
    RestartCount: container.restartCount,
    Driver: 'overlay2',
    Platform: 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: '',
    ExecIDs: execIds.length === 0 ? null : [...execIds],
    HostConfig: hostConfigOf(facts),
    GraphDriver: { Name: 'overlay2', Data: places === undefined ? null : layersOf(places) },
    ...(sizes === undefined ? {} : { SizeRw: sizes.writtenBytes, SizeRootFs: sizes.rootBytes }),
    Mounts: mountPointsOf(facts.mounts, Object.keys(spec.askedMounts?.tmpfs ?? {})),
    Config: configOf(facts),
    NetworkSettings: networkSettingsOf(facts),
    Node: nodeOf(node),
    Caravela: caravelaOf(facts, members),
  };
}

/** As Docker's overlay2 has them. */
function layersOf({ lowerDirs, upperDir, workDir, mergedDir }: ContainerPlaces): Record<string, string> {
  return { LowerDir: lowerDirs.join(':'), MergedDir: mergedDir, UpperDir: upperDir, WorkDir: workDir };
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

function stateOf({ container, health }: ContainerFacts): ContainerState {
  const { task } = container;
  const status = statusOf(container);
  return {
    Status: status,
    // Docker says Running of a container between two restarts, too.
    Running: ['running', 'paused', 'restarting'].includes(status),
    Paused: status === 'paused',
    Restarting: status === 'restarting',
    OOMKilled: task?.oomKilled ?? false,
    Dead: false,
    Pid: task?.pid ?? 0,
    ExitCode: status === 'running' || status === 'paused' ? 0 : exitCodeOf(container),
    Error: task?.error ?? '',
    StartedAt: timeText(task?.startedAtMs ?? 0),
    FinishedAt: timeText(task?.finishedAtMs ?? 0),
    ...(health === undefined ? {} : { Health: healthOf(health) }),
  };
}

function healthOf({ status, failingStreak, log }: NonNullable<ContainerFacts['health']>): HealthState {
  return {
    Status: status,
    FailingStreak: failingStreak,
    Log: log.map(({ startedAtMs, endedAtMs, exitCode, output }) => ({
      Start: timeText(startedAtMs),
      End: timeText(endedAtMs),
      ExitCode: exitCode,
      Output: output,
    })),
  };
}

function configOf({ spec, details, mounts }: ContainerFacts): ContainerConfig {
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
    Volumes: volumesOf(mounts),
    WorkingDir: details.workingDir,
    Entrypoint: details.entrypoint === null ? null : [...details.entrypoint],
    Labels: { ...details.labels },
    OnBuild: null,
    StopSignal: details.stopSignal,
    ...healthcheckOf(spec),
    ...(spec.stopTimeoutSeconds > 0 ? { StopTimeout: spec.stopTimeoutSeconds } : {}),
  };
}

/** Those that nobody named: of the request, and of the image. */
function volumesOf(mounts: ContainerFacts['mounts']): Record<string, object> | null {
  const unnamed = mounts.flatMap(({ wish }) => (wish.kind === 'volume' && wish.anonymous ? [wish.target] : []));
  return unnamed.length === 0 ? null : Object.fromEntries(unnamed.map((target) => [target, {}]));
}

function healthcheckOf({ extras }: ContainerFacts['spec']): Pick<ContainerConfig, 'Healthcheck'> {
  const { healthcheck } = extras ?? {};
  if (healthcheck === undefined) return {};
  const { test, interval, timeout, startPeriod, retries } = healthcheck;
  return { Healthcheck: { Test: [...test], Interval: interval, Timeout: timeout, StartPeriod: startPeriod, Retries: retries } };
}

/** Docker leaves it out where there is none. */
function exposedPortsOf({ exposedPorts = [] }: ContainerFacts['spec']): Pick<ContainerConfig, 'ExposedPorts'> {
  return exposedPorts.length === 0 ? {} : { ExposedPorts: Object.fromEntries(exposedPorts.map((key) => [key, {}])) };
}
