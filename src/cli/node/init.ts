import { spawn } from 'node:child_process';
import type { Installation } from '../context.ts';
import { Failure } from '../failure.ts';
import type { InitDocument } from './node-options.ts';

/** The line `init` prints when the node is set up. */
export interface InitResult {
  readonly nodeId: string;
  readonly name: string;
  readonly instanceId: string;
  /** IP. */
  readonly address: string;
  /** TCP, control. */
  readonly port: number;
  /** At create: the digest of the instance's certificate. SHA-256, hex. */
  readonly authority?: string;
  /** At an open instance: whose certificate was believed without a token. SHA-256, hex. */
  readonly trustedOnFirstUse?: string;
}

/** Lets the daemon's program set the node up on disk (keys, membership), before it runs. @throws Failure with its sentence */
export async function initNode(installation: Installation, document: InitDocument): Promise<InitResult> {
  const said = await runProgram(installation, ['init', document.command, '--json-stdin'], JSON.stringify(document));
  try {
    return JSON.parse(said.trim().split('\n').at(-1) ?? '') as InitResult;
  } catch {
    throw new Failure(`setting the node up gave no result, but ${JSON.stringify(said.slice(0, 200))}`);
  }
}

/** Gives a node that does not run another address of its host, for good. @throws Failure with the program's sentence */
export async function moveNode(installation: Installation, dataDir: string, ip: string): Promise<void> {
  await runProgram(installation, ['address', '--data-dir', dataDir, ip], '');
}

/** Lets a node that does not run look for the others at these addresses. Resolves to what is to be said of those that were of no use. */
export async function seekNodes(installation: Installation, dataDir: string, seeds: readonly string[]): Promise<readonly string[]> {
  const said = await runProgram(installation, ['seek', '--data-dir', dataDir, '--', ...seeds], '');
  return said.split('\n').filter((line) => line !== '');
}

async function runProgram(installation: Installation, words: readonly string[], input: string): Promise<string> {
  const child = spawn(installation.node, [installation.daemonEntry, ...words], { stdio: ['pipe', 'pipe', 'pipe'] });
  const chunks = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (chunks.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (chunks.stderr += text));
  // It may refuse before it has read all: then its exit tells, not the broken pipe.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exit) => resolve(exit ?? 1));
  });
  const said = chunks.stderr.trim().replace(/^caravela(-daemon)?: /, '');
  if (code !== 0) throw new Failure(said === '' ? `setting the node up ended with code ${code}` : said);
  return chunks.stdout;
}
