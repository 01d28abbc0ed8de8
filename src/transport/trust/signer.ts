/**
 * Runs SignTasks in short-lived children, so that the daemon never loads the X.509 library. A join
 * on an open instance costs a stranger nothing, so the number of children and of waiting tasks is
 * bounded.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { SignAnswer, SignResults, SignTask } from './sign-task.ts';

export interface Signer {
  /** @throws Error with the child's words: a request that is wrong, a child that did not run, too many at once. */
  run<T extends SignTask>(task: T): Promise<SignResults[T['kind']]>;
}

export interface SignerOptions {
  /** Path of the child's program; by default sign.mjs beside the bundle, or sign-child.ts beside this source. */
  readonly entry?: string;
  /** Program that runs it; by default the one that runs us. */
  readonly execPath?: string;
}

const CHILDREN = 2;
const WAITING = 64;
const TIMEOUT_MS = 30_000;
const OUTPUT_BYTES = 64 * 1024;

export function createSigner(options: SignerOptions = {}): Signer {
  const entry = options.entry ?? defaultEntry();
  const execPath = options.execPath ?? process.execPath;
  const waiting: (() => void)[] = [];
  let running = 0;

  return {
    async run<T extends SignTask>(task: T): Promise<SignResults[T['kind']]> {
      if (running < CHILDREN) running += 1;
      else if (waiting.length >= WAITING) throw new Error(`${WAITING} certificates wait to be signed already: try again in a moment`);
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        const answer = await runChild(execPath, entry, task);
        if (!answer.ok) throw new Error(answer.error);
        return answer.result as SignResults[T['kind']];
      } finally {
        // The place goes to the next in line, or becomes free.
        const next = waiting.shift();
        if (next === undefined) running -= 1;
        else next();
      }
    },
  };
}

function defaultEntry(): string {
  const source = fileURLToPath(new URL('./sign-child.ts', import.meta.url));
  return import.meta.url.endsWith('.ts') && existsSync(source) ? source : fileURLToPath(new URL('./sign.mjs', import.meta.url));
}

function runChild(execPath: string, entry: string, task: SignTask): Promise<SignAnswer> {
  return new Promise((resolve, reject) => {
    const child = spawn(execPath, [entry], { stdio: ['pipe', 'pipe', 'pipe'], timeout: TIMEOUT_MS, killSignal: 'SIGKILL', env: {} });
    // Before its streams, which it has not without a free descriptor.
    child.on('error', (error) => reject(new Error(`the signing program ${entry} could not be started: ${error.message}`)));
    const output = collect(child.stdout, () => child.kill('SIGKILL'));
    const complaint = collect(child.stderr, () => child.kill('SIGKILL'));
    child.on('close', (code, signal) => {
      try {
        resolve(JSON.parse(output()) as SignAnswer);
      } catch {
        const end = signal === null ? `exit code ${code}` : `signal ${signal}`;
        reject(new Error(`the signing program ${entry} ended with ${end} and no answer: ${complaint().trim().slice(-500)}`));
      }
    });
    // A child that dies before reading makes the write fail; its 'close' tells the story.
    child.stdin.on('error', () => {});
    child.stdin.end(JSON.stringify(task));
  });
}

function collect(stream: NodeJS.ReadableStream, overflow: () => void): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > OUTPUT_BYTES) overflow();
    else chunks.push(chunk);
  });
  return () => Buffer.concat(chunks).toString();
}
