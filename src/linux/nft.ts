import { spawn } from 'node:child_process';

/** nft(8), Debian's nftables: its text form, as its JSON reader crashes on maps of concatenated values (1.0.6). */
const TIMEOUT_MS = 30_000;
/** Of what it prints; an error text beyond is cut. */
const OUTPUT_BYTES = 16 * 2 ** 20;
const ERROR_BYTES = 4096;

/** What nft said of a rule set that the kernel did not take; nothing of it has been applied. */
export class NftError extends Error {
  override name = 'NftError';
}

/** Applies all of `text` in one transaction or nothing, in the calling thread's network namespace. @throws NftError */
export async function applyRuleset(text: string): Promise<void> {
  const { code, stderr } = await run(['-f', '-'], text);
  if (code !== 0) throw new NftError(`nft refused the rules: ${stderr.trim() || `exit code ${code}`}`);
}

/** The table as nft prints it, without counters' states; undefined where there is none. @throws NftError */
export async function listTable(family: string, name: string): Promise<string | undefined> {
  const { code, stdout, stderr } = await run(['--stateless', '--numeric', 'list', 'table', family, name], '');
  if (code === 0) return stdout;
  if (stderr.includes('No such file or directory')) return undefined;
  throw new NftError(`nft can't list table ${family} ${name}: ${stderr.trim() || `exit code ${code}`}`);
}

/** A chain that the kernel itself calls. */
export interface BaseChain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  /** `forward`, `input`, … */
  readonly hook: string;
  readonly policy: string;
}

/** All tables' chains with a hook, and the names of all tables. @throws NftError */
export async function listChains(): Promise<{ readonly base: readonly BaseChain[]; readonly names: readonly string[] }> {
  const { code, stdout, stderr } = await run(['--json', 'list', 'chains'], '');
  if (code !== 0) throw new NftError(`nft can't list chains: ${stderr.trim() || `exit code ${code}`}`);
  return decodeChains(stdout);
}

/** `nft --json list chains`, as libnftables-json(5) has it; what isn't so is passed over. Names: `ip filter FORWARD`. */
export function decodeChains(text: string): { readonly base: readonly BaseChain[]; readonly names: readonly string[] } {
  const { nftables } = parsed(text);
  const chains = Array.isArray(nftables) ? nftables.flatMap((item: unknown) => chainIn(item)) : [];
  return {
    base: chains.flatMap(({ hook, policy, ...chain }) => (hook === '' ? [] : [{ ...chain, hook, policy }])),
    names: chains.map(({ family, table, name }) => `${family} ${table} ${name}`),
  };
}

function chainIn(item: unknown): BaseChain[] {
  const chain = recordIn(recordIn(item)['chain']);
  const [family, table, name, hook, policy] = ['family', 'table', 'name', 'hook', 'policy'].map((key) => {
    const value = chain[key];
    return typeof value === 'string' ? value : '';
  });
  if (family === undefined || !family || !table || !name) return [];
  return [{ family, table, name, hook: hook ?? '', policy: policy ?? '' }];
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    return recordIn(JSON.parse(text));
  } catch {
    return {};
  }
}

const recordIn = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(words: readonly string[], input: string): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    // Its messages are read: in English.
    const child = spawn('nft', words, { env: { ...process.env, LC_ALL: 'C' }, timeout: TIMEOUT_MS, killSignal: 'SIGKILL' });
    // Before anything else: without a free descriptor there are no streams below, and what nobody hears ends the daemon.
    child.on('error', (error) => reject(new NftError(`nft can't be run: ${error.message}; install the package nftables`)));
    const outputs = { stdout: '', stderr: '' };
    const collect = (name: keyof typeof outputs, limit: number) => (data: string) => {
      if (outputs[name].length < limit) outputs[name] += data.slice(0, limit - outputs[name].length);
    };
    child.stdout.setEncoding('utf8').on('data', collect('stdout', OUTPUT_BYTES));
    child.stderr.setEncoding('utf8').on('data', collect('stderr', ERROR_BYTES));
    // Where it ends before it has read all, its exit code tells.
    child.stdin.on('error', () => undefined);
    child.on('close', (code, signal) => {
      if (signal === null) resolve({ code, ...outputs });
      else reject(new NftError(`nft ended by ${signal} (it has ${TIMEOUT_MS / 1000} s): ${outputs.stderr.trim()}`));
    });
    child.stdin.end(input);
  });
}
