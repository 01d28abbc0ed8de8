import type { ExecInspect } from '../../../docker-api/types.ts';
import type { Exec } from './exec-registry.ts';

/** `GET /exec/{id}/json`. */
export function execInspect({ id, container, wish, state }: Exec): ExecInspect {
  const { spec, stdout, stderr, detachKeys } = wish;
  const [entrypoint, ...args] = spec.argv;
  return {
    ID: id,
    ContainerID: container,
    // As Docker's, from the answer to its start on: who asks then is not to take it for one that has not begun.
    Running: state.kind === 'starting' || state.kind === 'running',
    ExitCode: state.kind === 'ended' ? state.exitCode : null,
    ProcessConfig: {
      tty: spec.tty,
      entrypoint,
      arguments: args,
      privileged: spec.privileged,
      ...(spec.user === '' ? {} : { user: spec.user }),
    },
    OpenStdin: spec.stdin,
    OpenStdout: stdout,
    OpenStderr: stderr,
    CanRemove: false,
    DetachKeys: detachKeys,
    Pid: state.kind === 'running' ? state.process.pid : state.kind === 'ended' ? state.pid : 0,
  };
}
