import type { Member } from '../../core/model/index.ts';
import { NODE_LABEL, type ContainerSummary } from '../../docker-api/types.ts';
import { type ContainerFacts, imageName } from './facts.ts';
import { mountPointsOf } from './mounts/mount-facts.ts';
import { networkModeOf, networksOf, portRows } from './network-settings.ts';
import { statusOf, statusText } from './status.ts';

/**
 * One row of `containers/json`, but for its creation, which has a fraction of a second: rows of several nodes are put in order by it.
 * @param isMoved the name of its image is another's, or nobody's
 */
export function summaryOf(facts: ContainerFacts, isMoved: boolean, node: Member, nowMs: number): ContainerSummary {
  const { container, spec, details } = facts;
  const { name, request } = container;
  const { containerId } = request;
  return {
    Id: containerId,
    Names: [`/${name}`],
    Image: isMoved ? details.imageId : imageName(spec),
    ImageID: details.imageId,
    Command: [details.path, ...details.args.map(quoted)].join(' '),
    Created: container.createdAtMs / 1000,
    State: statusOf(container),
    Status: statusText(container, nowMs, facts.health?.status),
    Ports: portRows(facts),
    Labels: { ...details.labels, [NODE_LABEL]: node.name },
    HostConfig: { NetworkMode: networkModeOf(spec) },
    NetworkSettings: { Networks: networksOf(facts) },
    Mounts: mountPointsOf(facts.mounts, Object.keys(spec.askedMounts?.tmpfs ?? {})),
  };
}

/** As Docker's lists have it: no form for a shell, but it tells where an argument begins and ends. */
function quoted(argument: string): string {
  return argument.includes(' ') ? `'${argument}'` : argument;
}
