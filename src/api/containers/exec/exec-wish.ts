import { LIMITS } from '../../../core/model/index.ts';
import type { ExecSpec } from '../../../engine/port.ts';
import { ApiError } from '../../http/api-error.ts';
import { sizeOfPair } from '../../http/terminal-size.ts';
import { detachKeysOf } from '../streams/input.ts';
import { wordsOf } from '../check-process.ts';
import type { ExecCreateBody } from './exec-body.ts';

/** What is to be run in a container, and what of it a client wants to see. */
export interface ExecWish {
  readonly spec: ExecSpec;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly detachKeys: string;
}

/** @throws ApiError 400: one whole sentence that names the value */
export function execWish(body: ExecCreateBody): ExecWish {
  const [program, ...args] = wordsOf(body.Cmd) ?? [];
  if (program === undefined) throw new ApiError(400, 'No exec command specified');
  const env = body.Env ?? [];
  const user = body.User ?? '';
  const workingDir = body.WorkingDir ?? '';
  const said = [program, ...args, ...env, user, workingDir];
  const broken = said.find((word) => word.includes('\0'));
  if (broken !== undefined) {
    throw new ApiError(400, `a command, environment, user or directory can't hold a NUL byte, got ${JSON.stringify(broken.slice(0, 80))}`);
  }
  const bytes = said.reduce((sum, word) => sum + Buffer.byteLength(word), 0);
  if (bytes > LIMITS.specBytes)
    throw new ApiError(400, `command and environment may take ${LIMITS.specBytes} bytes together, got ${bytes}`);
  if (workingDir !== '' && !workingDir.startsWith('/')) {
    throw new ApiError(400, `the working directory '${workingDir.slice(0, 80)}' is invalid, it needs to be an absolute path`);
  }
  const detachKeys = body.DetachKeys ?? '';
  detachKeysOf(detachKeys);
  const tty = body.Tty ?? false;
  const terminalSize = tty ? sizeOfPair(body.ConsoleSize) : undefined;
  return {
    spec: {
      argv: [program, ...args],
      env,
      workingDir,
      user,
      privileged: body.Privileged ?? false,
      tty,
      ...(terminalSize === undefined ? {} : { terminalSize }),
      stdin: body.AttachStdin ?? false,
    },
    stdout: body.AttachStdout ?? false,
    stderr: body.AttachStderr ?? false,
    detachKeys,
  };
}
