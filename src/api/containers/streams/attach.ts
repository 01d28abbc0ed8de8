import type { Container } from '../../../core/model/index.ts';
import { type AttachedStreams, ReaderTooSlow } from '../../../engine/port.ts';
import type { Backend } from '../../backend.ts';
import type { Channel } from '../../http/channel.ts';
import { pump } from '../../http/pump.ts';
import { flagOf, type Query, textOf } from '../../http/query.ts';
import { specOf } from '../facts.ts';
import { detachKeysOf, pumpInput } from './input.ts';
import { output, saidAs, shownOf } from './output.ts';
import { isUnderWay } from '../status.ts';

/** What an attach asks for. */
export interface AttachWish {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** What is written from now on. */
  readonly stream: boolean;
  /** What was written so far. */
  readonly logs: boolean;
  /** What ends the view when it is typed into a terminal. */
  readonly detachKeys: readonly number[];
  /** Output as it is, of both streams together; else in frames. A terminal's always is. */
  readonly raw: boolean;
}

/** @throws ApiError 400 */
export function attachWish(query: Query): Omit<AttachWish, 'raw'> {
  const [stdin, stdout, stderr, stream, logs] = ['stdin', 'stdout', 'stderr', 'stream', 'logs'].map((key) => flagOf(query, key));
  return {
    stdin: stdin === true,
    stdout: stdout === true,
    stderr: stderr === true,
    stream: stream === true,
    logs: logs === true,
    detachKeys: detachKeysOf(textOf(query, 'detachKeys')),
  };
}

/** One client at one container's standard streams. */
export class Attachment {
  readonly #backend: Backend;
  readonly #container: Container;
  readonly #wish: AttachWish;
  readonly #detached: () => void;
  readonly #leaving = new AbortController();
  #streams: AttachedStreams | undefined;
  #stopWatching = (): void => undefined;

  /** @param detached is told when the detach keys were typed. */
  constructor(backend: Backend, container: Container, wish: AttachWish, detached: () => void) {
    this.#backend = backend;
    this.#container = container;
    this.#wish = wish;
    this.#detached = detached;
  }

  /** From its return on nothing is missed: only now may the client be told to go on. */
  async open(): Promise<void> {
    if (!this.#wish.stream) return;
    const { containerId } = this.#container.request;
    if (!isUnderWay(this.#container)) this.#watchStart();
    this.#streams = await this.#backend.attach(containerId, { stdin: this.#wish.stdin, signal: this.#leaving.signal });
  }

  /** Serves until the container has ended, the client has left or the detach keys were typed. */
  async serve(channel: Channel): Promise<void> {
    const left = (): void => this.close();
    channel.gone.addEventListener('abort', left, { once: true });
    if (channel.gone.aborted) left();
    if (this.#streams !== undefined && this.#wish.stdin) void this.#pumpInput(this.#streams, channel);
    else channel.input.resume();
    try {
      for (const source of this.#sources()) await pump(source, channel.output, channel.gone);
    } catch (error) {
      if (!(error instanceof ReaderTooSlow)) throw error;
      channel.output.write(saidAs(this.#wish.raw, error.message));
    }
  }

  close(): void {
    this.#stopWatching();
    this.#leaving.abort();
  }

  /**
   * Older output comes from the log. Of a container that runs, older and newer together do, too: only the log has both
   * without a gap.
   */
  #sources(): AsyncIterable<Uint8Array>[] {
    const { stdout, stderr } = this.#wish;
    // Of one whose output is not kept all there is is what comes.
    const logs = this.#wish.logs && specOf(this.#container).extras?.log?.driver !== 'none';
    const streams = this.#streams;
    const signal = this.#leaving.signal;
    const fromLog = (follow: boolean) =>
      output(this.#backend, this.#container, {
        stdout,
        stderr,
        follow,
        timestamps: false,
        raw: this.#wish.raw,
        tail: undefined,
        sinceMs: undefined,
        untilMs: undefined,
        signal,
      });
    const shown = stdout || stderr;
    if (streams === undefined) return logs && shown ? [fromLog(false)] : [];
    if (logs && shown && isUnderWay(this.#container)) {
      void discard(streams);
      return [fromLog(true)];
    }
    const older = logs && shown && this.#container.task !== undefined ? [fromLog(false)] : [];
    return [...older, shownOf(streams.output, this.#wish, this.#wish.raw)];
  }

  #pumpInput(streams: AttachedStreams, { input }: Channel): Promise<void> {
    const keys = specOf(this.#container).tty ? this.#wish.detachKeys : [];
    return pumpInput(streams, input, keys, (how) => {
      if (how === 'detached') this.#detached();
      this.close();
    });
  }

  /** A start that fails is the end of what this one waits for. */
  #watchStart(): void {
    const { containerId } = this.#container.request;
    this.#stopWatching = this.#backend.subscribe((event) => {
      if (!('containerId' in event) || event.containerId !== containerId) return;
      if (event.kind === 'task-started') this.#stopWatching();
      if (event.kind === 'task-failed') this.close();
    });
  }
}

/** Reads on for the container's sake. */
async function discard({ output: pieces }: AttachedStreams): Promise<void> {
  try {
    for await (const _ of pieces);
  } catch (error) {
    if (!(error instanceof ReaderTooSlow)) throw error;
  }
}
