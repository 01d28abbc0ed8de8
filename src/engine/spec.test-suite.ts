import type { ContainerSpec, TaskPlace } from './port.ts';

/** The host's network, its files as on the host. */
export const ON_HOST: TaskPlace = { netnsPath: undefined, resolvConf: undefined, hosts: undefined };

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
    networks: [],
    networkOf: '',
    ports: [],
    dns: { servers: [], search: [], options: [] },
    extraHosts: [],
    readonlyRootfs: false,
    capAdd: [],
    capDrop: [],
    init: false,
    ...change,
  };
}
