import { type Command, InvalidArgumentError } from 'commander';
import { parseDetachKeys } from '../../docker-api/detach-keys.ts';
import { value } from '../commands/options.ts';
import { Failure } from '../failure.ts';
import type { Io } from '../io.ts';

/** What of a command concerns a container's standard streams, as commander gives it. */
export interface StreamsOptions {
  readonly interactive?: boolean;
  readonly tty?: boolean;
  readonly attach?: readonly StreamName[];
}

/** How the user's own are used. */
export interface ViewOptions {
  readonly sigProxy: boolean;
  readonly detachKeys?: string;
}

const STREAMS = ['stdin', 'stdout', 'stderr'] as const;
type StreamName = (typeof STREAMS)[number];

export function addStreamsOptions(command: Command): Command {
  return command
    .option('-i, --interactive', 'with standard input: yours, or kept open')
    .option('-t, --tty', 'with a terminal')
    .option('-a, --attach <stream>', 'show or feed only this: stdin, stdout, stderr', collectStreams);
}

export function addViewOptions(command: Command): Command {
  return addDetachKeys(command.option('--sig-proxy <boolean>', 'pass signals on, where there is no terminal', readBoolean, true));
}

export function addDetachKeys(command: Command): Command {
  return command.option('--detach-keys <keys>', 'what leaves a terminal and lets it run on (ctrl-p,ctrl-q)', value(checkKeys));
}

/** Which streams of a container in the foreground are the user's. Docker's rules: those named, else all that there are. */
export function attachedStreams({ attach = [], interactive = false }: StreamsOptions): Readonly<Record<StreamName, boolean>> {
  const has = (name: StreamName): boolean => attach.includes(name);
  return attach.length === 0
    ? { stdin: interactive, stdout: true, stderr: true }
    : { stdin: has('stdin'), stdout: has('stdout'), stderr: has('stderr') };
}

/** Keys for a terminal come from a terminal. @throws Failure in Docker's words, which scripts look for */
export function requireTerminal(io: Io, stdin: boolean, tty: boolean): void {
  if (stdin && tty && !io.stdinIsTty) throw new Failure('the input device is not a TTY: leave -t out');
}

function collectStreams(text: string, previous: readonly StreamName[] | undefined): readonly StreamName[] {
  const name = STREAMS.find((each) => each === text.toLowerCase());
  if (name === undefined) throw new InvalidArgumentError(`${JSON.stringify(text)} is none of ${STREAMS.join(', ')}`);
  return [...(previous ?? []), name];
}

function readBoolean(text: string): boolean {
  if (/^(true|1|t)$/i.test(text)) return true;
  if (/^(false|0|f)$/i.test(text)) return false;
  throw new InvalidArgumentError(`${JSON.stringify(text)} is neither true nor false`);
}

function checkKeys(text: string): string {
  parseDetachKeys(text);
  return text;
}
