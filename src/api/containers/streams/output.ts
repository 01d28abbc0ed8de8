import type { Backend } from '../../backend.ts';
import type { Container, ContainerId } from '../../../core/model/index.ts';
import { encodeFrame } from '../../../docker-api/framing.ts';
import type { LogEntry, LogOptions, LogStream, OutputPiece } from '../../../engine/port.ts';
import { specOf } from '../facts.ts';

export interface OutputOptions extends LogOptions {
  readonly timestamps: boolean;
  /** Stands before each line, behind its time. */
  readonly prefix?: string;
  /** Without frames; as a terminal's always is. */
  readonly raw?: boolean;
}

/**
 * What a container wrote, as Docker's clients read it: with a terminal the bytes as they are, else
 * each piece in a frame that names its stream.
 */
export async function* output(backend: Backend, container: Container, options: OutputOptions): AsyncGenerator<Buffer> {
  const { containerId } = container.request;
  const { tty } = specOf(container);
  const atLineStart: Record<LogStream, boolean> = { stdout: true, stderr: true };
  for await (const entry of backend.logs(containerId, options)) {
    const data = atLineStart[entry.stream] ? begun(entry, options) : entry.data;
    atLineStart[entry.stream] = entry.data.at(-1) === 0x0a;
    yield tty || options.raw === true ? data : encodeFrame(entry.stream, data);
  }
}

function begun({ timestamp, data }: LogEntry, { timestamps, prefix = '' }: OutputOptions): Buffer {
  const words = `${timestamps ? `${timestamp} ` : ''}${prefix}`;
  return words === '' ? data : Buffer.concat([Buffer.from(words), data]);
}

/**
 * What was asked for of a process's output, raw or in frames. The rest is read all the same: it ends with the process,
 * and must not hold it up.
 */
export async function* shownOf(
  pieces: AsyncIterable<OutputPiece>,
  which: Readonly<Record<LogStream, boolean>>,
  raw: boolean,
): AsyncGenerator<Uint8Array> {
  for await (const { stream, data } of pieces) {
    if (which[stream]) yield raw ? data : encodeFrame(stream, data);
  }
}

/** Words of ours where a process's output would be. */
export function saidAs(raw: boolean, message: string): Uint8Array {
  return raw ? Buffer.from(`\r\n${message}\r\n`) : encodeFrame('stderr', Buffer.from(`${message}\n`));
}

/** What came of waiting for a first or next start. */
export type StartSeen = 'started' | 'never';

/**
 * Resolves with the next start of a container that does not run now; `never` where it failed to
 * start, was removed, or the viewer left. Listening begins before this returns.
 */
export function nextStart(backend: Backend, id: ContainerId, gone: AbortSignal): Promise<StartSeen> {
  return new Promise((resolve) => {
    const settle = (seen: StartSeen): void => {
      stop();
      gone.removeEventListener('abort', left);
      resolve(seen);
    };
    const left = (): void => settle('never');
    const stop = backend.subscribe((event) => {
      if (!('containerId' in event) || event.containerId !== id) return;
      if (event.kind === 'task-started') settle('started');
      if (event.kind === 'task-failed' || event.kind === 'container-removed') settle('never');
    });
    gone.addEventListener('abort', left, { once: true });
    if (gone.aborted) settle('never');
  });
}
