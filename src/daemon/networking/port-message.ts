import { Array as ArrayOf, Boolean as BooleanOf, Integer, Literal, Object as ObjectOf, String as StringOf, Union } from 'typebox';
import { Check } from 'typebox/schema';
import { type ContainerId, LIMITS, type NetworkId } from '../../core/model/index.ts';
import type { TaskPort } from './task-network.ts';

/** From the node that runs a container to the one that was asked for it: what its ports lead to. */
export interface PortMessage {
  readonly container: ContainerId;
  /** None: it has ended. */
  readonly ports: readonly TaskPort[];
  /** It was removed. */
  readonly gone: boolean;
}

/** On its way, which may be long: what a broken connection still brings can come after what was said later by another. */
export interface SentPortMessage extends PortMessage {
  /** The sender's incarnation, which is higher in each of its lives. */
  readonly life: number;
  /** Its count of what it has said, higher with each. */
  readonly number: number;
}

const address = Integer({ minimum: 0, maximum: 0xffff_ffff });
const port = Integer({ minimum: 1, maximum: 65_535 });
const hex64 = StringOf({ pattern: '^[0-9a-f]{64}$' });
const TASK_PORT = ObjectOf({
  protocol: Union([Literal('tcp'), Literal('udp')]),
  ip: address,
  port,
  containerPort: port,
  network: hex64,
  address,
});
const TASK_PORTS = ArrayOf(TASK_PORT, { maxItems: LIMITS.hostPorts });
const count = Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const MESSAGE = ObjectOf({ container: hex64, ports: TASK_PORTS, gone: BooleanOf(), life: count, number: count });

/** undefined: not one. */
export function readPortMessage(text: string): SentPortMessage | undefined {
  const value = parse(text);
  if (!Check(MESSAGE, value)) return undefined;
  const { container, ports, gone, life, number } = value;
  return { container: container as ContainerId, ports: ports.map(taskPort), gone, life, number };
}

/** The answer: those that are served. undefined: not one. */
export function readServed(text: string): readonly TaskPort[] | undefined {
  const value = parse(text);
  return Check(TASK_PORTS, value) ? value.map(taskPort) : undefined;
}

const taskPort = (value: Omit<TaskPort, 'network'> & { readonly network: string }): TaskPort => ({
  protocol: value.protocol,
  ip: value.ip,
  port: value.port,
  containerPort: value.containerPort,
  network: value.network as NetworkId,
  address: value.address,
});

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
