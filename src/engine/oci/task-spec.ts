import { readFileSync } from 'node:fs';
import { arch, release } from 'node:os';
import { findProgram } from './choose-runtime.ts';
import { EngineError, type ContainerSpec, type MountWish } from '../port.ts';
import { containerCapabilities } from './capabilities.ts';
import type { Host } from './host.ts';
import { type RuntimeSpec, type RuntimeSpecInput, runtimeSpec } from './runtime-spec.ts';
import { taskDevices } from './runtime-spec-devices.ts';
import type { JoinedNamespaces } from './runtime-spec-namespaces.ts';
import { parseSecurityOptions, type SecurityOptions } from './runtime-spec-security.ts';
import { ownLimits, runtimeLimits, type RuntimeLimit } from './runtime-spec-ulimits.ts';
import { type OciSeccomp, seccompFor } from './seccomp.ts';

/** Inits that run in any image: linked statically. */
const INITS = ['docker-init', 'tini-static', 'catatonit'];

type Given = Pick<RuntimeSpecInput, 'process' | 'user' | 'rootfs' | 'etc' | 'netnsPath' | 'cgroupsPath'>;
export interface TaskSpecInput extends Given {
  readonly spec: RuntimeSpecInput['spec'] & Pick<ContainerSpec, 'capAdd' | 'capDrop' | 'init'>;
  /** Absent: none. */
  readonly mounts?: readonly MountWish[];
  readonly joined?: JoinedNamespaces;
}

/** One task's config.json on this host. @throws EngineError where the host can't do what was asked */
export function taskSpec(host: Omit<Host, 'runtimes'>, input: TaskSpecInput): RuntimeSpec {
  const { spec } = input;
  const { extras = {} } = spec;
  const capabilities = containerCapabilities(spec.capAdd, spec.capDrop, host.ownCapabilities, extras.privileged);
  const security = parseSecurityOptions(extras.securityOptions);
  return runtimeSpec({
    ...input,
    mounts: input.mounts ?? [],
    joined: input.joined ?? {},
    cgroupVersion: host.trees.version,
    swapLimit: host.swapLimit,
    capabilities,
    seccomp: extras.privileged === true ? undefined : seccompOf(host, security, capabilities),
    noNewPrivileges: security.noNewPrivileges,
    initPath: spec.init ? findInit() : undefined,
    volumePath: (name) => host.volumes.dataPath(name),
    devices: taskDevices(extras),
    rlimits: limitsOf(host, input),
    oomScoreAdj: oomScoreOf(host, input),
  });
}

function seccompOf(host: Omit<Host, 'runtimes'>, { seccomp }: SecurityOptions, capabilities: readonly string[]): OciSeccomp | undefined {
  if (seccomp === 'unconfined') return undefined;
  const profile = seccomp === 'default' ? host.seccomp : seccomp;
  return profile && seccompFor(profile, capabilities, { arch: arch(), kernel: release() });
}

function limitsOf(host: Omit<Host, 'runtimes'>, { spec }: TaskSpecInput): RuntimeLimit[] {
  const asked = spec.extras?.ulimits ?? [];
  if (asked.length === 0) return [];
  return runtimeLimits(asked, ownLimits(host.ownCapabilities), (name, wanted, given) => {
    host.log('warn', `ulimit ${name}=${wanted} is cut to ${given}, which is this daemon's own: it lacks CAP_SYS_RESOURCE to give more`);
  });
}

/** The kernel lets nobody be spared more than this daemon without CAP_SYS_RESOURCE. */
function oomScoreOf(host: Omit<Host, 'runtimes'>, { spec }: TaskSpecInput): number | undefined {
  const asked = spec.extras?.oomScoreAdj;
  if (asked === undefined || asked === 0) return undefined;
  const own = Number(readFileSync('/proc/self/oom_score_adj', 'utf8'));
  if (asked >= own || host.ownCapabilities.has('CAP_SYS_RESOURCE')) return asked;
  host.log('warn', `oom-score-adj ${asked} becomes ${own}, which is this daemon's own: it lacks CAP_SYS_RESOURCE to give less`);
  return own;
}

function findInit(): string {
  const path = INITS.map(findProgram).find((each) => each !== undefined);
  if (path === undefined) {
    throw new EngineError(
      'engine-failed',
      `an init was asked for, but this node has none of ${INITS.join(', ')}: install Debian's tini or docker.io`,
    );
  }
  return path;
}
