import { EngineError, ReaderTooSlow, type RunningExec, type TerminalSize } from '../../../engine/port.ts';
import type { Channel } from '../../http/channel.ts';
import { ApiError } from '../../http/api-error.ts';
import { pump } from '../../http/pump.ts';
import { detachKeysOf, pumpInput } from '../streams/input.ts';
import { saidAs, shownOf } from '../streams/output.ts';
import type { Exec, ExecRegistry } from './exec-registry.ts';

export interface ServeOptions {
  readonly size: TerminalSize | undefined;
  /** Output as it is; else in frames. */
  readonly raw: boolean;
}

/**
 * Runs an exec, and serves a client with its streams until it has ended, the client has left or the detach keys were
 * typed. The headers are sent by then: a client that reads them together with the first output loses that (python3-docker
 * does). Of a program that can't be run the client is told where its output would be, as Docker does: its exit code says
 * it, too.
 */
export async function serveExec(execs: ExecRegistry, exec: Exec, { size, raw }: ServeOptions, channel: Channel): Promise<void> {
  let process: RunningExec;
  try {
    process = await execs.start(exec, size);
  } catch (error) {
    if (!(error instanceof EngineError || error instanceof ApiError)) throw error;
    channel.input.resume();
    channel.output.write(saidAs(raw, error.message));
    return;
  }
  await serve(execs, exec, process, raw, channel);
}

async function serve(execs: ExecRegistry, exec: Exec, process: RunningExec, raw: boolean, channel: Channel): Promise<void> {
  const { wish } = exec;
  const left = (): void => {
    process.endInput();
    process.detach();
  };
  channel.gone.addEventListener('abort', left, { once: true });
  if (channel.gone.aborted) left();
  let isDetached = false;
  if (wish.spec.stdin) {
    const keys = wish.spec.tty ? detachKeysOf(wish.detachKeys) : [];
    void pumpInput(process, channel.input, keys, (how) => {
      if (how === 'broke-off') return left();
      isDetached = true;
      execs.detached(exec);
      process.detach();
    });
  } else channel.input.resume();
  try {
    await pump(shownOf(process.output, wish, raw), channel.output, channel.gone);
  } catch (error) {
    left();
    if (!(error instanceof ReaderTooSlow)) throw error;
    channel.output.write(saidAs(raw, 'whoever reads the output took next to nothing of it and was let go; the process runs on'));
    return;
  } finally {
    channel.gone.removeEventListener('abort', left);
  }
  // Whoever reads to the end asks for the exit code next.
  if (!isDetached && !channel.gone.aborted) await process.exitCode;
}
