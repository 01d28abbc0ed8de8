import type { HealthStatus } from '../../engine/port.ts';
import { durationText } from '../../lib/duration-text.ts';
import type { Container } from '../../core/model/index.ts';
import type { ContainerStatus } from '../../docker-api/types.ts';
import { assertNever } from '../../lib/assert.ts';

/** Docker's zero time: it has not happened. */
export const NEVER = '0001-01-01T00:00:00Z';

export const timeText = (wallMs: number): string => (wallMs > 0 ? new Date(wallMs).toISOString() : NEVER);

/** Docker's word for where a container stands. */
export function statusOf(container: Container): ContainerStatus {
  const { task, desired } = container;
  if (desired === 'removed') return 'removing';
  if (task === undefined) return 'created';
  switch (task.state) {
    case 'running':
      return task.paused === true ? 'paused' : 'running';
    case 'pending':
    case 'starting':
      return container.restartCount > 0 ? 'restarting' : 'created';
    case 'exited':
    case 'failed':
      if (restartPending(container)) return 'restarting';
      return task.startedAtMs === 0 ? 'created' : 'exited';
    default:
      return assertNever(task.state);
  }
}

/** It has ended and its policy will start it again: until then it still holds its resources (DESIGN §6, Holds). */
function restartPending(container: Container): boolean {
  return container.desired === 'running' && container.holding && container.request.restart.name !== 'no';
}

/** Whether waiting for its end has to wait: it runs, is about to, or will again. */
export function isUnderWay(container: Container): boolean {
  const state = container.task?.state;
  return state === 'running' || state === 'starting' || state === 'pending' || statusOf(container) === 'restarting';
}

/** Exit code as Docker shows it: of a task that never ran, what a shell would say. */
export function exitCodeOf(container: Container): number {
  const { task } = container;
  if (task === undefined) return 0;
  return task.state === 'failed' && task.exitCode === 0 ? exitCodeOfFailure(task.error) : task.exitCode;
}

/** 127: not found; 126: found but not executable; 128: anything else. */
export function exitCodeOfFailure(error: string): number {
  if (/executable file not found|no such file or directory/i.test(error)) return 127;
  return /permission denied|is a directory/i.test(error) ? 126 : 128;
}

/** For people: `Up 3 minutes`, `Up 2 hours (healthy)`, `Exited (1) 2 hours ago`. */
export function statusText(container: Container, nowMs: number, health?: HealthStatus): string {
  const { task } = container;
  const status = statusOf(container);
  switch (status) {
    case 'running':
      return `${upText(container, nowMs)}${health === undefined ? '' : ` (${health === 'starting' ? 'health: starting' : health})`}`;
    case 'paused':
      return `${upText(container, nowMs)} (Paused)`;
    case 'exited':
      return `Exited (${exitCodeOf(container)}) ${durationText(nowMs - (task?.finishedAtMs ?? nowMs))} ago`;
    case 'restarting':
      return `Restarting (${exitCodeOf(container)}) ${durationText(nowMs - (task?.finishedAtMs || nowMs))} ago`;
    case 'removing':
      return 'Removal In Progress';
    case 'created':
    case 'dead':
      return `${status.charAt(0).toUpperCase()}${status.slice(1)}`;
    default:
      return assertNever(status);
  }
}

const upText = ({ task }: Container, nowMs: number): string => `Up ${durationText(nowMs - (task?.startedAtMs ?? nowMs))}`;
