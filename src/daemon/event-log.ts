import { type Event, shortId } from '../core/model/index.ts';
import { assertNever } from '../lib/assert.ts';
import type { Log } from './log.ts';

/** The core's events as lines of the log: ids short, levels by how much an operator cares. */
export function logEvent(log: Log, event: Event): void {
  switch (event.kind) {
    case 'member-alive':
      if (event.first) log('info', 'member alive', { node: event.member.name, id: shortId(event.member.id), ip: event.member.address.ip });
      return;
    case 'member-suspect':
      return log('debug', 'member suspect', { node: event.name, id: shortId(event.nodeId) });
    case 'member-dead':
      return log('warn', 'member dead', { node: event.name, id: shortId(event.nodeId) });
    case 'member-left':
      return log('info', 'member left', { node: event.name, id: shortId(event.nodeId) });
    case 'refuted':
      return log('debug', 'refuted a rumour about this node', { incarnation: event.incarnation });
    case 'offer-published':
      return log('debug', 'offer published', { region: event.region, ...event.free });
    case 'hold-made':
      return log('debug', 'hold made', { request: event.requestId, buyer: shortId(event.buyer), ...event.resources });
    case 'hold-released':
      return log('debug', 'hold released', { request: event.requestId, why: event.why });
    case 'reserve-refused':
      return log('debug', 'reserve refused', { request: event.requestId, reason: event.reason });
    case 'run-placed':
      return log('info', 'run placed', {
        request: event.requestId,
        container: shortId(event.containerId),
        supplier: shortId(event.supplier),
        tookMs: Math.round(event.tookMs),
        messages: event.messages,
      });
    case 'run-refused':
      return log('info', 'run refused', { request: event.requestId, code: event.error.code, error: event.error.message });
    case 'container-created':
      return log('info', 'container created', { container: shortId(event.containerId), name: event.name, ...event.resources });
    case 'container-ready':
      return log('debug', 'container ready', { container: shortId(event.containerId) });
    case 'task-started':
      return log('info', 'task started', { container: shortId(event.containerId), task: event.taskId.slice(65) });
    case 'task-exited':
      return log('info', 'task exited', {
        container: shortId(event.containerId),
        task: event.taskId.slice(65),
        exitCode: event.exitCode,
        ...(event.oomKilled && { oomKilled: true }),
        ...(event.restartAfterMs !== undefined && { restartAfterMs: event.restartAfterMs }),
      });
    case 'task-failed':
      return log('warn', 'task failed', { container: shortId(event.containerId), task: event.taskId.slice(65), error: event.error });
    case 'room-given-back':
      return log('info', 'container was not started: its room is given back', {
        container: shortId(event.containerId),
        ...event.resources,
      });
    case 'container-renamed': {
      const { containerId, from, to, why } = event;
      return log(why === 'asked' ? 'info' : 'warn', 'container renamed', { container: shortId(containerId), from, to, why });
    }
    case 'task-paused':
    case 'task-unpaused':
      return log('info', event.kind === 'task-paused' ? 'task paused' : 'task unpaused', {
        container: shortId(event.containerId),
        task: event.taskId.slice(65),
      });
    case 'container-updated':
      return log('info', 'container updated', { container: shortId(event.containerId), ...event.resources });
    case 'agreed-newer':
      return log('debug', 'a node has newer agreed state', { node: shortId(event.nodeId), ...event.version });
    case 'container-removed':
      return log('info', 'container removed', { container: shortId(event.containerId), name: event.name });
    default:
      return assertNever(event);
  }
}
