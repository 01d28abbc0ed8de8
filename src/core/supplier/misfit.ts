import { LIMITS, NO_RESOURCES, add, sameResources, shortId } from '../model/index.ts';
import type { Container, CoreError, GroupHold, Launch, NodeId } from '../model/index.ts';
import { digestOf, groupDigest } from '../model/digest.ts';
import { isAmount } from '../model/filter.ts';
import { arePortsOf } from '../model/host-access.ts';
import type { Context } from './context.ts';
import type { Hold } from './holds.ts';

/** Under which its hold was made. */
export const holdOf = ({ request, group }: Launch): Launch['request']['id'] => group?.hold ?? request.id;

/** Why a launch is not what its hold was made for, or can't be taken any more. */
export function misfit({ holds, entries, self, leaving }: Context, from: NodeId, launch: Launch): CoreError | undefined {
  const { request, attempt } = launch;
  const hold = holds.get(holdOf(launch));
  const { name } = self();
  if (leaving) return { code: 'draining', message: `${name} is leaving`, changed: false };
  if (hold === undefined || hold.need.buyer !== from || hold.need.attempt !== attempt) {
    return { code: 'no-room', message: `${name} keeps no hold for attempt ${attempt} of this request; it has expired`, changed: false };
  }
  if (!isOf(hold, launch)) return internal('the launch does not carry the spec that the hold was made for');
  for (const { container } of entries.values()) {
    if (container.name === request.name) return taken(name, container);
  }
  return entries.size < LIMITS.containers ? undefined : internal(`${name} keeps ${LIMITS.containers} containers, the most it may`);
}

/** Whether the hold was made for this spec, amount and ports, and for each only once. */
function isOf({ need, launched }: Hold, { request, group }: Launch): boolean {
  const specDigest = digestOf(request.spec);
  if (!arePortsOf(request.hostPorts, need.hostPorts)) return false;
  if (group === undefined) return sameResources(need.resources, request.resources) && need.specDigest === specDigest;
  const part = group.parts.find(({ requestId }) => requestId === request.id);
  if (part === undefined || launched.has(request.id) || !addsUp(need.resources, group)) return false;
  return sameResources(part.resources, request.resources) && part.specDigest === specDigest && need.specDigest === groupDigest(group.parts);
}

function addsUp(whole: Hold['need']['resources'], { parts }: GroupHold): boolean {
  if (new Set(parts.map(({ requestId }) => requestId)).size < parts.length) return false;
  let sum = NO_RESOURCES;
  for (const { resources } of parts) {
    sum = add(sum, resources);
    if (!isAmount(resources) || !isAmount(sum)) return false;
  }
  return sameResources(sum, whole);
}

export const internal = (message: string): CoreError => ({ code: 'internal', message, changed: false });

/** The buyer asked who has the name before it ran, but somebody may not have answered, or was faster. */
const taken = (node: string, { name, request: { containerId } }: Container): CoreError => ({
  code: 'name-taken',
  message: `${node} has a container ${name} (${shortId(containerId)}) already: remove that one, or take another name`,
  changed: false,
});
