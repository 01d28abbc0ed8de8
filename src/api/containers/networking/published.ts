import { LIMITS } from '../../../core/model/index.ts';
import type { PortWish } from '../../../engine/port.ts';
import { ApiError } from '../../http/api-error.ts';
import { parsePorts, portText } from './ports.ts';
import type { SettledNetworking } from './settle-networking.ts';

/** The ports of the image and of the request, each once, as `80/tcp`. */
export function exposedOf({ exposed, ports }: SettledNetworking, ofImage: readonly string[]): readonly string[] {
  return [...new Set([...ofImage, ...exposed, ...ports.map(({ containerPort, protocol }) => portText({ port: containerPort, protocol }))])];
}

/** What was published by name; with `-P` also each exposed port that was not, at any free port. @throws ApiError 400 */
export function publishedOf(networking: SettledNetworking, ofImage: readonly string[]): readonly PortWish[] {
  const { ports, publishAll } = networking;
  if (!publishAll) return ports;
  const rest = exposedOf(networking, ofImage)
    .flatMap(parsePorts)
    .filter(({ port, protocol }) => !ports.some((wish) => wish.containerPort === port && wish.protocol === protocol))
    .map(({ port, protocol }): PortWish => ({ containerPort: port, protocol, hostIp: '', hostPort: 0 }));
  if (ports.length + rest.length <= LIMITS.hostPorts) return [...ports, ...rest];
  throw new ApiError(400, `a container may publish at most ${LIMITS.hostPorts} ports, with -P these are ${ports.length + rest.length}`);
}
