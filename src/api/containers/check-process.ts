import { signalNumber } from '../../engine/port.ts';
import { ApiError } from '../http/api-error.ts';
import type { CreateBody } from './create-body.ts';

/** What the kernel or the runtime would refuse at each start. @throws ApiError 400 */
export function checkProcess(body: CreateBody): void {
  const { WorkingDir: dir = '', Hostname: hostname = '', StopSignal: signal = '', User: user = '', Env } = body;
  const words = [...(wordsOf(body.Entrypoint) ?? []), ...(wordsOf(body.Cmd) ?? []), ...(Env ?? []), dir, user];
  const broken = words.find((word) => word.includes('\0'));
  if (broken !== undefined) {
    throw new ApiError(400, `a command, environment, user or directory can't hold a NUL byte, got ${JSON.stringify(broken.slice(0, 80))}`);
  }
  if (dir !== '' && !dir.startsWith('/')) {
    throw new ApiError(400, `the working directory '${dir.slice(0, 80)}' is invalid, it needs to be an absolute path`);
  }
  if (!/^[a-zA-Z0-9._-]*$/.test(hostname)) {
    throw new ApiError(400, `a host name may have letters, digits, dots, dashes and underscores, got ${JSON.stringify(hostname)}`);
  }
  const nameless = (Env ?? []).find((entry) => entry === '' || entry.startsWith('='));
  if (nameless !== undefined) throw new ApiError(400, `invalid environment variable: ${nameless.slice(0, 80)}`);
  if (signal !== '' && signalNumber(signal) === undefined) throw new ApiError(400, `Invalid signal: ${signal.slice(0, 40)}`);
}

/** A single string is one word, as Docker reads it. Empty is "as the image says"; one empty word is "none" (`--entrypoint ""`). */
export function wordsOf(words: string | readonly string[] | null | undefined): readonly string[] | null {
  if (words === null || words === undefined || words.length === 0) return null;
  if (typeof words === 'string') return [words];
  return words.length === 1 && words[0] === '' ? [] : words;
}
