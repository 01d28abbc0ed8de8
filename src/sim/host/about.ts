import type { Command, Event, Order, Result } from '../../core/model/index.ts';

/** What goes in and out of a node in one line each, for traces: a kind, what it is about, what matters. Ids by six digits. */

const short = (id: string): string => id.slice(0, 6);

export function aboutOrder(order: Order): string {
  if (order.kind === 'store-incarnation') return order.kind;
  return `${order.kind} ${short(order.kind === 'store-container' ? order.container.request.containerId : order.containerId)}`;
}

export function aboutCommand(command: Command): string {
  if (command.kind === 'cancel-run') return `${command.kind} ${short(command.requestId)}`;
  if (command.kind === 'run') return `run ${short(command.request.id)} as ${short(command.request.containerId)}`;
  if ('stack' in command)
    return `${command.kind} ${short(command.stack.id)} of ${command.stack.parts.map(({ request }) => short(request.containerId)).join(' ')}`;
  if (command.kind === 'look-up') return `look-up ${Object.values(command.key).join(' ')}`;
  if (command.kind === 'rename') return `rename ${short(command.containerId)} to ${command.name}`;
  return 'containerId' in command ? `${command.kind} ${short(command.containerId)}` : command.kind;
}

export function aboutResult(result: Result): string {
  if (!result.ok) return `${result.error.code}: ${result.error.message}`;
  if ('parts' in result)
    return `${result.kind} ${result.parts.map((part) => `${short(part.containerId)} on ${short(part.supplier)}`).join(', ')}`;
  if (result.kind === 'found')
    return `found ${result.entries.map(({ containerId, node }) => `${short(containerId)} on ${short(node)}`).join(', ') || 'none'}`;
  return result.kind === 'placed' ? `placed ${short(result.containerId)} on ${short(result.supplier)}` : result.kind;
}

export function aboutEvent(event: Event): string {
  const { kind } = event;
  switch (kind) {
    case 'member-alive':
      return `${kind} ${event.member.name}${event.first ? ' for the first time' : ''}`;
    case 'member-suspect':
    case 'member-dead':
    case 'member-left':
      return `${kind} ${event.name}`;
    case 'refuted':
      return kind;
    case 'agreed-newer':
      return `${kind}: ${event.version.epoch}/${event.version.revision} at ${short(event.nodeId)}`;
    case 'offer-published':
      return `${kind} in ${event.region}`;
    case 'hold-made':
      return `${kind} for ${short(event.requestId)}`;
    case 'hold-released':
      return `${kind} for ${short(event.requestId)}, ${event.why}`;
    case 'reserve-refused':
      return `${kind} for ${short(event.requestId)}: ${event.reason}`;
    case 'run-placed':
      return `${kind} ${short(event.requestId)} on ${short(event.supplier)}`;
    case 'run-refused':
      return `${kind} ${short(event.requestId)}: ${event.error.code}`;
    case 'task-exited':
      return `${kind} of ${short(event.containerId)} with ${event.exitCode}${event.restartAfterMs === undefined ? '' : ', again later'}`;
    case 'task-failed':
      return `${kind} of ${short(event.containerId)}: ${event.error}`;
    case 'container-renamed':
      return `${kind} ${short(event.containerId)} from ${event.from} to ${event.to}`;
    case 'container-created':
    case 'container-updated':
    case 'task-paused':
    case 'task-unpaused':
    case 'room-given-back':
    case 'container-ready':
    case 'task-started':
    case 'container-removed':
      return `${kind} ${short(event.containerId)}`;
    default:
      return kind satisfies never;
  }
}
