import {
  containerId,
  type CpuClass,
  DEFAULT_RESERVATION,
  LIMITS,
  type Request,
  requestId,
  RESTART_POLICIES,
  type RestartPolicy,
} from '../../core/model/index.ts';
import type { ContainerSpec } from '../../engine/port.ts';
import { ApiError } from '../http/api-error.ts';
import type { ResolvedImage } from '../images/resolve.ts';
import { API_LIMITS } from '../limits.ts';
import { parseAffinities } from './affinity.ts';
import { checkLog } from './check-log.ts';
import { checkProcess, wordsOf } from './check-process.ts';
import { parseConstraints } from './constraint.ts';
import type { CreateBody } from './create-body.ts';
import { checkExtras } from './extras/check-extras.ts';
import { checkLimits, millicoresOf } from './extras/check-limits.ts';
import { checkMounts } from './mounts/check-mounts.ts';
import { checkNetworking } from './networking/check-networking.ts';
import { hostPortsOfWishes } from './networking/ports.ts';
import { exposedOf, publishedOf } from './networking/published.ts';
import type { Settled } from './settle.ts';
import type { Wanted } from './wanted.ts';
import { swarmForms } from './swarm-forms.ts';
import { refuseUnsupported } from './unsupported.ts';

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** @throws ApiError 400, 501: one whole sentence that names the value */
export function checkCreate(body: CreateBody): Wanted {
  const host = body.HostConfig ?? {};
  const warnings = refuseUnsupported(host);
  checkLimits(host);
  const stopTimeout = body.StopTimeout ?? 0;
  if (stopTimeout < 0) throw new ApiError(400, `StopTimeout must be 0 seconds or more, got ${stopTimeout}`);
  checkProcess(body);
  const labels = Object.keys(body.Labels ?? {}).length;
  if (labels > LIMITS.containerLabels)
    throw new ApiError(400, `a container may have at most ${LIMITS.containerLabels} labels, got ${labels}`);
  const networking = checkNetworking(body);
  const mounts = checkMounts(body);
  const { log, warnings: logWarnings } = checkLog(host.LogConfig);
  const extras = { ...checkExtras(body), ...(log === undefined ? {} : { log }) };
  const restart = restartOf(host.RestartPolicy ?? {});
  if (host.AutoRemove === true && restart.name !== 'no') {
    throw new ApiError(400, `can't create 'AutoRemove' container with restart policy ${restart.name}: choose one of --rm and --restart`);
  }
  const { env, constraints, affinities } = swarmForms(body.Env ?? [], body.Labels ?? {});
  return {
    body,
    networking,
    mounts,
    extras,
    restart,
    env,
    constraints: parseConstraints([...(body.Caravela?.Constraints ?? []), ...constraints]),
    affinities: parseAffinities([...(body.Caravela?.Affinities ?? []), ...affinities]),
    warnings: [...warnings, ...logWarnings],
  };
}

/** @throws ApiError 400 */
export function checkName(name: string): string {
  const bare = name.replace(/^\//, '');
  if (!NAME.test(bare) || bare.length > LIMITS.longNameBytes) {
    throw new ApiError(
      400,
      `Invalid container name (${bare.slice(0, 80)}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed, 2 to ${LIMITS.longNameBytes} characters`,
    );
  }
  return bare;
}

/** What of a request was looked up. */
export interface Looked {
  readonly image: ResolvedImage;
  readonly settled: Settled;
}

/** Clients whose own terminal has no size say 0. */
function terminalSizeOf({ Tty, HostConfig }: CreateBody): Pick<ContainerSpec, 'terminalSize'> {
  const [rows = 0, columns = 0] = HostConfig?.ConsoleSize ?? [];
  return Tty === true && rows > 0 && columns > 0 ? { terminalSize: { rows, columns } } : {};
}

/** The core's request. @throws ApiError 400 */
export function requestOf(wanted: Wanted, name: string, { image, settled }: Looked, randomHex: (bytes: number) => string): Request {
  const { body, restart, env } = wanted;
  const { networking, mounts, extras, constraints, affinities } = settled;
  const ports = publishedOf(networking, image.exposedPorts);
  const host = body.HostConfig ?? {};
  const nanoCpus = host.NanoCpus ?? 0;
  const cpuMillicores = millicoresOf(host);
  const memoryBytes = host.Memory ?? 0;
  const stopTimeoutSeconds = body.StopTimeout ?? 0;
  const spec: ContainerSpec = {
    name,
    image: { reference: image.reference, digest: image.digest },
    imageAsked: body.Image,
    entrypoint: wordsOf(body.Entrypoint),
    command: wordsOf(body.Cmd),
    env,
    labels: body.Labels ?? {},
    workingDir: body.WorkingDir ?? '',
    user: body.User ?? '',
    hostname: body.Hostname ?? '',
    tty: body.Tty ?? false,
    ...terminalSizeOf(body),
    openStdin: body.OpenStdin ?? false,
    stdinOnce: body.StdinOnce ?? false,
    stopSignal: body.StopSignal ?? '',
    stopTimeoutSeconds,
    nanoCpus,
    memoryBytes,
    pidsLimit: Math.max(-1, host.PidsLimit ?? 0),
    networkMode: networking.mode,
    networks: networking.networks,
    networkOf: networking.networkOf,
    ports,
    ...(networking.publishAll ? { publishAll: true } : {}),
    dns: networking.dns,
    extraHosts: networking.extraHosts,
    exposedPorts: exposedOf(networking, image.exposedPorts),
    domainname: body.Domainname ?? '',
    readonlyRootfs: host.ReadonlyRootfs ?? false,
    capAdd: host.CapAdd ?? [],
    capDrop: host.CapDrop ?? [],
    init: host.Init ?? false,
    ...(mounts.mounts.length > 0 ? { mounts: mounts.mounts } : {}),
    ...(mounts.asked === undefined ? {} : { askedMounts: mounts.asked }),
    ...(Object.keys(extras).length > 0 ? { extras } : {}),
  };
  const text = JSON.stringify(spec);
  if (Buffer.byteLength(text) > LIMITS.specBytes) {
    throw new ApiError(
      400,
      `command, environment, labels and mounts may take ${LIMITS.specBytes} bytes together, got ${Buffer.byteLength(text)}`,
    );
  }
  if (Buffer.byteLength(spec.image.reference) > LIMITS.imageBytes) {
    throw new ApiError(
      400,
      `an image's name may have ${LIMITS.imageBytes} bytes with its registry, got ${Buffer.byteLength(spec.image.reference)}`,
    );
  }
  return {
    id: requestId(randomHex(16)),
    containerId: containerId(randomHex(32)),
    name,
    resources: {
      cpuMillicores: cpuMillicores > 0 ? cpuMillicores : DEFAULT_RESERVATION.cpuMillicores,
      memoryBytes: memoryBytes > 0 ? memoryBytes : DEFAULT_RESERVATION.memoryBytes,
    },
    class: (body.Caravela?.Class ?? 'low') satisfies CpuClass,
    arches: image.arches,
    constraints,
    affinities,
    labels: spec.labels,
    image: spec.image.reference,
    hostPorts: hostPortsOfWishes(ports),
    vnis: networking.networks.map(({ vni }) => vni),
    policy: body.Caravela?.Policy ?? 'binpack',
    restart,
    autoRemove: host.AutoRemove ?? false,
    stopSignal: spec.stopSignal === '' ? image.stopSignal : spec.stopSignal,
    stopTimeoutMs: stopTimeoutSeconds > 0 ? stopTimeoutSeconds * 1000 : API_LIMITS.stopTimeoutMs,
    spec: text,
  };
}

export function restartOf(policy: {
  readonly Name?: string | undefined;
  readonly MaximumRetryCount?: number | null | undefined;
}): RestartPolicy {
  const asked = policy.Name ?? '';
  const name = RESTART_POLICIES.find((p) => p === (asked === '' ? 'no' : asked));
  const maximumRetries = policy.MaximumRetryCount ?? 0;
  if (name === undefined) {
    throw new ApiError(400, `invalid restart policy: ${JSON.stringify(asked)} is not one of ${RESTART_POLICIES.join(', ')}`);
  }
  if (maximumRetries < 0) throw new ApiError(400, `invalid restart policy: maximum retry count cannot be negative, got ${maximumRetries}`);
  if (maximumRetries > 0 && name !== 'on-failure') {
    throw new ApiError(
      400,
      `invalid restart policy: maximum retry count cannot be used with restart policy '${name}', only with on-failure, got ${maximumRetries}`,
    );
  }
  return { name, maximumRetries };
}
