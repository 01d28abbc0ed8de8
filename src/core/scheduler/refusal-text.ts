import { assertNever } from '../../lib/assert.ts';
import type { Considered, RefusalReason, Resources } from '../model/index.ts';
import { takenWords } from '../model/host-access.ts';
import { cpuWords, memoryWordsApart } from '../model/words.ts';

/** Of how many nodes the considered ones are the answer of. */
export interface Asked {
  readonly nodes: number;
  /** Whether each of them was asked itself; else traders were, which know only what they were told. */
  readonly direct: boolean;
  /** Where affinities or filters left only some nodes to ask, of which `considered` are the answers. */
  readonly among?: { readonly nodes: number; readonly words: string } | undefined;
  /** Affinities that the name directory could not tell the nodes of. */
  readonly unknown?: readonly string[];
}

/**
 * Why nobody takes it, with numbers: "no node has 2 CPUs and 256 MiB free: of 7 nodes 4 lack memory
 * (best: node-3 with 201 MiB), 2 lack CPU (best: node-1 with 0.5 CPUs), 1 is draining".
 */
export function refusalText(wanted: Resources, considered: readonly Considered[], { nodes, direct, among, unknown = [] }: Asked): string {
  const groups = ORDER.map((reason) => ({ reason, of: considered.filter((c) => c.reason === reason) })).filter(({ of }) => of.length > 0);
  const parts = groups.map(({ reason, of }) => `${of.length} ${phrase(wanted, reason, of)}`);
  const short = groups.some(({ reason }) => reason === 'cpu' || reason === 'memory');
  const room = `${cpuWords(wanted.cpuMillicores)} and ${memoryWordsApart(wanted.memoryBytes, mostMemory(considered, wanted))[0]}`;
  const whom = among === undefined ? count(nodes, 'node') : `${count(among.nodes, 'node')} with ${among.words}`;
  if (!direct) {
    const words = parts.length > 0 ? ` (of those that refused ${parts.join(', ')})` : '';
    const untold = unknown.length > 0 ? `; where ${unknown.join(' and ')} is met could not be looked up: name it in full, or` : ';';
    return `no offer of ${room} was found among ${whom}${words}${untold} try again in a minute, or ask for less`;
  }
  const lead = short || parts.length === 0 ? `no node has ${room} free` : 'no node can take it';
  if (among?.nodes === 0) return `no node can take it: none of ${count(nodes, 'node')} meets ${among.words}`;
  return `${lead}: of ${whom} ${parts.length > 0 ? parts.join(', ') : 'none could be asked'}`;
}

const ORDER: readonly RefusalReason[] = [
  'memory',
  'cpu',
  'class',
  'arch',
  'constraint',
  'affinity',
  'network',
  'port',
  'draining',
  'excluded',
  'holds',
  'containers',
  'failed',
  'unreachable',
];

function phrase(wanted: Resources, reason: RefusalReason, of: readonly Considered[]): string {
  const one = of.length === 1;
  switch (reason) {
    case 'memory':
      return `${one ? 'lacks' : 'lack'} memory${best(of, 'memoryBytes', (bytes) => memoryWordsApart(wanted.memoryBytes, bytes)[1])}`;
    case 'cpu':
      return `${one ? 'lacks' : 'lack'} CPU${best(of, 'cpuMillicores', cpuWords)}`;
    case 'class':
      return `${one ? 'is' : 'are'} of a lower class`;
    case 'arch':
      return `${one ? 'has' : 'have'} another architecture (${list(of.map((c) => c.detail))})`;
    case 'constraint':
      return `${one ? 'does' : 'do'} not meet the constraints (${list(of.map((c) => c.detail))})`;
    case 'affinity':
      return `${one ? 'does' : 'do'} not meet the affinities (${list(of.map((c) => c.detail))})`;
    case 'network':
      return `can't be on its network (${list(of.map((c) => c.detail))})`;
    case 'port':
      return `${one ? 'has' : 'have'} ${portsTaken(of)}`;
    case 'draining':
      return `${one ? 'is' : 'are'} draining`;
    case 'excluded':
      return `${one ? 'was' : 'were'} excluded${reasons(of)}`;
    case 'holds':
      return `${one ? 'keeps' : 'keep'} too many holds already`;
    case 'containers':
      return `${one ? 'keeps' : 'keep'} too many containers already`;
    case 'failed':
      return `could not launch it (${list(of.map((c) => `${c.name}: ${c.detail}`))})`;
    case 'unreachable':
      return `did not answer (${list(of.map((c) => c.name))})`;
    default:
      return assertNever(reason);
  }
}

/** `port 8080/tcp taken (by web)`. */
function portsTaken(of: readonly Considered[]): string {
  const words = of.map(({ detail }) => takenWords(detail));
  const ports = new Set(words.map(({ port }) => port));
  return `port${ports.size === 1 ? '' : 's'} ${list([...ports])} taken (by ${list(words.map(({ by }) => by))})`;
}

/** Beyond the bare word of a user's or a supplier's. */
function reasons(of: readonly Considered[]): string {
  const known = of.filter((c) => c.detail !== '' && !c.detail.endsWith(' was excluded')).map((c) => c.detail);
  return known.length === 0 ? '' : ` (${list(known)})`;
}

/** Of those that lack memory; the wanted figure is said in units that tell it from this one. */
function mostMemory(considered: readonly Considered[], wanted: Resources): number {
  const short = considered.filter((c) => c.reason === 'memory').map((c) => c.free?.memoryBytes ?? 0);
  return short.length > 0 ? Math.max(...short) : wanted.memoryBytes;
}

function best(of: readonly Considered[], dimension: keyof Resources, words: (amount: number) => string): string {
  const known = of.filter((c) => c.free !== undefined);
  const top = known.reduce<Considered | undefined>(
    (top, c) => (top === undefined || (c.free as Resources)[dimension] > (top.free as Resources)[dimension] ? c : top),
    undefined,
  );
  return top?.free === undefined ? '' : ` (best: ${top.name} with ${words(top.free[dimension])})`;
}

const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;

/** The first few different ones. */
function list(words: readonly string[]): string {
  const different = [...new Set(words)];
  const shown = different.slice(0, 3);
  return different.length > shown.length ? `${shown.join(', ')}; and ${different.length - shown.length} more` : shown.join(', ');
}
