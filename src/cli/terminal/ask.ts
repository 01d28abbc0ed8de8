import type { Readable } from 'node:stream';
import { EXIT, Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import { enterRawMode } from './raw-mode.ts';

const MOST_CHARACTERS = 4_096;
const [CTRL_C, CTRL_D, BACKSPACE, DELETE] = ['\u0003', '\u0004', '\b', '\u007f'];

/** Asks for a line. */
export async function ask(io: Io, question: string): Promise<string> {
  io.stdout.write(question);
  return (await readLine(io.stdin)).trim();
}

/** Asks for a line that nobody is to see. @throws Failure where the user breaks off */
export async function askHidden(io: Io, question: string): Promise<string> {
  io.stdout.write(question);
  const restore = enterRawMode(io);
  try {
    return await readLine(io.stdin);
  } finally {
    restore();
    io.stdout.write('\n');
  }
}

/** Up to the end of the line; in raw mode the editing keys come as they are, otherwise the terminal has seen to them. */
async function readLine(stdin: Readable): Promise<string> {
  if (stdin.readableEnded) return '';
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let line = '';
  const onData = (chunk: Buffer | string): void => {
    const text = String(chunk);
    let used = 0;
    for (const character of text) {
      used += character.length;
      if (character === '\r' || character === '\n' || character === CTRL_D) {
        // What was typed ahead answers the next question.
        const rest = text.slice(used);
        stdin.off('data', onData).pause();
        if (rest !== '') stdin.unshift(rest);
        return resolve(line);
      }
      if (character === CTRL_C) return reject(new Failure('', EXIT.failed));
      if (character === BACKSPACE || character === DELETE) line = line.slice(0, -1);
      else if (line.length < MOST_CHARACTERS) line += character;
    }
  };
  const onEnd = (): void => resolve(line);
  // It was paused after the last answer.
  stdin.on('data', onData).once('end', onEnd).once('error', reject).resume();
  try {
    return await promise;
  } finally {
    stdin.off('data', onData).off('end', onEnd).off('error', reject).pause();
  }
}
