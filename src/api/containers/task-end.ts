import type { Backend } from '../backend.ts';
import type { Container } from '../../core/model/index.ts';
import type { WaitCondition, WaitResponse } from '../../docker-api/types.ts';
import { exitCodeOf, exitCodeOfFailure, isUnderWay } from './status.ts';

export interface EndWatch {
  readonly ended: Promise<WaitResponse>;
  /** Stops listening; `ended` then never settles. */
  stop(): void;
}

/**
 * Watches for what `wait` asks for, from this very moment on: listening starts before the state is
 * looked at, so an end in between is not missed.
 * not-running: at once unless it runs or its policy will start it again, and then the next end of a
 * task, even if its policy starts another, as Docker does; next-exit: the next end of a task;
 * removed: the container is gone. A container removed early ends every watch.
 */
export function watchEnd(backend: Backend, container: Container, condition: WaitCondition): EndWatch {
  const id = container.request.containerId;
  let last: WaitResponse = { StatusCode: exitCodeOf(container) };
  let settle: (response: WaitResponse) => void = () => undefined;
  const ended = new Promise<WaitResponse>((resolve) => {
    settle = resolve;
  });
  const stop = backend.subscribe((event) => {
    if (!('containerId' in event) || event.containerId !== id) return;
    if (event.kind === 'container-removed') return end(last);
    if (event.kind === 'task-exited') {
      last = { StatusCode: event.exitCode };
      if (condition !== 'removed') end(last);
    }
    if (event.kind === 'task-failed') {
      // Why it failed is the start's to say: clients print both.
      last = { StatusCode: exitCodeOfFailure(event.error) };
      if (condition !== 'removed') end(last);
    }
  });
  const end = (response: WaitResponse): void => {
    stop();
    settle(response);
  };
  const now = backend.container(id);
  if (now === undefined || (condition === 'not-running' && !isUnderWay(now))) end({ StatusCode: exitCodeOf(now ?? container) });
  return { ended, stop };
}
