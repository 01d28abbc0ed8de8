import type { ContainerId, Request, Result } from '../../../core/model/index.ts';
import { formatIpv4 } from '../../../lib/ipv4.ts';
import type { Backend } from '../../backend.ts';

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
      await networks.claimPorts(
        containerId,
        hostPorts.map(({ protocol, ip, port }) => ({ protocol, hostIp: ip === 0 ? '0.0.0.0' : formatIpv4(ip), hostPort: port })),
      );
    }
    const result = await run();
    isPlaced = result.ok;
    return result;
  } finally {
    if (!isPlaced) for (const id of claimed) networks.releasePorts(id);
  }
}
