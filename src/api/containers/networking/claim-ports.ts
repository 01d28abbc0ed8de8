import type { ContainerId, Request, Result } from '../../../core/model/index.ts';
import { formatIpv4 } from '../../../lib/ipv4.ts';
import type { Backend } from '../../backend.ts';
import { type ClaimedPort, PortRefused } from '../../network-service.ts';

/**
 * Runs with the ports that requests name kept for them on this node, which serves them beside the node
 * that will run the container; gives them back where nothing was placed. @throws NetworkRefused conflict
 */
export async function withPortsClaimed({ networks }: Backend, requests: readonly Request[], run: () => Promise<Result>): Promise<Result> {
  const claimed: ContainerId[] = [];
  let isPlaced = false;
  try {
    for (const { containerId, hostPorts } of requests) {
      if (hostPorts.length === 0) continue;
      claimed.push(containerId);
      await networks.claimPorts(containerId, wishesOf(hostPorts));
    }
    const result = await run();
    isPlaced = result.ok;
    return result;
  } finally {
    if (!isPlaced) for (const id of claimed) networks.releasePorts(id);
  }
}

/**
 * The same for one container that is created and not started yet. Where another container has a port of it, it is placed
 * without regard to its ports, and has them from its start: clients that put a new container in an old one's place create it first.
 */
export async function withPortsForStart(backend: Backend, request: Request, run: (request: Request) => Promise<Result>): Promise<Result> {
  try {
    return await withPortsClaimed(backend, [request], () => run(request));
  } catch (error) {
    if (!(error instanceof PortRefused) || error.by === undefined) throw error;
  }
  backend.networks.claimPortsLater(request.containerId, wishesOf(request.hostPorts));
  let isPlaced = false;
  try {
    const result = await run({ ...request, hostPorts: [] });
    isPlaced = result.ok;
    return result;
  } finally {
    if (!isPlaced) backend.networks.releasePorts(request.containerId);
  }
}

const wishesOf = (hostPorts: Request['hostPorts']): readonly ClaimedPort[] =>
  hostPorts.map(({ protocol, ip, port }) => ({ protocol, hostIp: ip === 0 ? '0.0.0.0' : formatIpv4(ip), hostPort: port }));
