import { arch, release } from 'node:os';
import { findProgram } from './choose-runtime.ts';
import { EngineError, type ContainerSpec } from '../port.ts';
import { containerCapabilities } from './capabilities.ts';
import type { Host } from './host.ts';
import { type RuntimeSpec, type RuntimeSpecInput, runtimeSpec } from './runtime-spec.ts';
import { seccompFor } from './seccomp.ts';

/** Inits that run in any image: linked statically. */
const INITS = ['docker-init', 'tini-static', 'catatonit'];

type Given = Omit<RuntimeSpecInput, 'spec' | 'cgroupVersion' | 'swapLimit' | 'capabilities' | 'seccomp' | 'initPath'>;
export interface TaskSpecInput extends Given {
  readonly spec: RuntimeSpecInput['spec'] & Pick<ContainerSpec, 'capAdd' | 'capDrop' | 'init'>;
}

/** One task's config.json on this host. @throws EngineError where the host can't do what was asked */
export function taskSpec(host: Omit<Host, 'runtimes'>, input: TaskSpecInput): RuntimeSpec {
  const capabilities = containerCapabilities(input.spec.capAdd, input.spec.capDrop, host.ownCapabilities);
  const seccomp = host.seccomp && seccompFor(host.seccomp, capabilities, { arch: arch(), kernel: release() });
  return runtimeSpec({
    ...input,
    cgroupVersion: host.trees.version,
    swapLimit: host.swapLimit,
    capabilities,
    seccomp,
    initPath: input.spec.init ? findInit() : undefined,
  });
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
