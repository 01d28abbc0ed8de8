import type { ContainerSpec } from './port.ts';

/** A spec for tests: all defaults, with `change` over them. */
export function containerSpec(change: Partial<ContainerSpec> = {}): ContainerSpec {
  return {
    name: 'test',
    image: { reference: 'docker.io/library/busybox:latest', digest: `sha256:${'b'.repeat(64)}` },
    entrypoint: null,
    command: ['true'],
    env: [],
    labels: {},
    workingDir: '',
    user: '',
    hostname: '',
    tty: false,
    openStdin: false,
    stdinOnce: false,
    stopSignal: '',
    stopTimeoutSeconds: 0,
    nanoCpus: 0,
    memoryBytes: 0,
    pidsLimit: 0,
    networkMode: 'none',
    readonlyRootfs: false,
    capAdd: [],
    capDrop: [],
    init: false,
    ...change,
  };
}
