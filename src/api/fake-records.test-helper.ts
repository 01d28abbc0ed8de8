import type { Container, CoreError, Request, Task } from '../core/model/index.ts';
import type { ContainerSpec } from '../engine/port.ts';
import { containerSpec } from '../engine/spec.test-suite.ts';

/** What the containers of a fake instance are, where a test does not say. */
export const TASK: Omit<Task, 'id'> = {
  state: 'pending',
  startedAtMs: 0,
  finishedAtMs: 0,
  exitCode: 0,
  oomKilled: false,
  error: '',
  pid: 0,
};

export const SPEC: ContainerSpec = containerSpec({ name: '', command: ['sleep', '60'] });

export const REQUEST: Omit<Request, 'id' | 'containerId' | 'name' | 'spec'> = {
  resources: { cpuMillicores: 100, memoryBytes: 64 * 1024 * 1024 },
  class: 'low',
  arches: ['amd64'],
  constraints: [],
  affinities: [],
  labels: {},
  image: '',
  hostPorts: [],
  vnis: [],
  policy: 'binpack',
  restart: { name: 'no', maximumRetries: 0 },
  autoRemove: false,
  stopSignal: '',
  stopTimeoutMs: 10_000,
};

export const specOf = (container: Container | undefined): ContainerSpec =>
  container === undefined ? SPEC : (JSON.parse(container.request.spec) as ContainerSpec);

export const failed = (code: CoreError['code'], message: string): { readonly ok: false; readonly error: CoreError } => ({
  ok: false,
  error: { code, message, changed: false },
});
