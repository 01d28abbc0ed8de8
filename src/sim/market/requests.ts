import type { ContainerId, Message, Request, RequestId } from '../../core/model/index.ts';
import type { Ask } from '../workloads/contender.ts';

/** An ask as the API would hand it to a node. */
export function askRequest(id: RequestId, containerId: ContainerId, { id: number, resources, class: cpuClass }: Ask): Request {
  return {
    id,
    containerId,
    name: `c${number}`,
    resources,
    class: cpuClass,
    arches: [],
    constraints: [],
    affinities: [],
    hostPorts: [],
    vnis: [],
    labels: {},
    image: '',
    policy: 'binpack',
    restart: { name: 'no', maximumRetries: 0 },
    autoRemove: false,
    stopSignal: 'TERM',
    stopTimeoutMs: 10_000,
    spec: '{}',
  };
}

/** Which request a message belongs to; undefined: none. */
export function requestIdOf(message: Message): RequestId | undefined {
  if ('need' in message) return message.need.requestId;
  if ('requestId' in message) return message.requestId;
  return 'request' in message ? message.request.id : undefined;
}
