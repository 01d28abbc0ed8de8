import { assertNever } from '../../lib/assert.ts';
import type { Container } from '../model/index.ts';
import { ended } from './entry.ts';

/** Whether the policy wants another task after the newest one ended. What the user stopped stays stopped. */
export function wantsRestart(container: Container): boolean {
  const { task, desired, restartCount } = container;
  if (desired !== 'running' || task === undefined || !ended(task)) return false;
  const { name, maximumRetries } = container.request.restart;
  switch (name) {
    case 'no':
      return false;
    case 'always':
    case 'unless-stopped':
      return true;
    case 'on-failure':
      return (task.exitCode !== 0 || task.state === 'failed') && (maximumRetries === 0 || restartCount < maximumRetries);
    default:
      return assertNever(name);
  }
}
