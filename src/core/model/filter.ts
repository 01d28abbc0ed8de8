import { CPU_CLASSES } from './member.ts';
import type { Arch, CpuClass } from './member.ts';
import type { NodeId } from './ids.ts';
import type { Constraint, Need } from './request.ts';
import type { RefusalReason } from './explain.ts';
import type { Resources } from './resources.ts';
import { cpuNumber, cpuWords, memoryWordsApart } from './words.ts';

/** What of a node the filters look at: a supplier fills it from itself, a trader from an offer. */
export interface Candidate {
  readonly id: NodeId;
  readonly name: string;
  readonly class: CpuClass;
  readonly arch: Arch;
  readonly labels: Readonly<Record<string, string>>;
  readonly draining: boolean;
  readonly free: Resources;
}

/** What a node says of itself to everybody. */
type Described = Pick<Candidate, 'id' | 'name' | 'class' | 'arch' | 'labels'>;

/** A "no" with its reason, and a detail in words that a person can act on. */
export interface Unfit {
  readonly reason: RefusalReason;
  readonly detail: string;
}

/** Why `candidate` can't take `need`; undefined where it can. What a user can't change comes before what is only used up. */
export function unfit(need: Need, candidate: Candidate): Unfit | undefined {
  if (candidate.draining) return { reason: 'draining', detail: `${candidate.name} is draining` };
  if (need.exclude.includes(candidate.id)) return { reason: 'excluded', detail: `${candidate.name} was excluded` };
  if (classRank(candidate.class) < classRank(need.class)) {
    return { reason: 'class', detail: `needs class ${need.class}, is ${candidate.class}` };
  }
  if (need.arches.length > 0 && !need.arches.includes(candidate.arch)) {
    return { reason: 'arch', detail: `needs ${need.arches.join(' or ')}, is ${candidate.arch}` };
  }
  const broken = need.constraints.find((constraint) => !satisfies(constraint, candidate));
  if (broken !== undefined) {
    return { reason: 'constraint', detail: `does not meet ${broken.key}${broken.operator}${broken.value}` };
  }
  return lacking(need.resources, candidate.free);
}

/** Whether a node is what class, architectures and constraints ask for: what its member record tells, whatever is free. */
export function isEligible(
  { class: cpuClass, arches, constraints }: Pick<Need, 'class' | 'arches' | 'constraints'>,
  who: Described,
): boolean {
  if (classRank(who.class) < classRank(cpuClass) || (arches.length > 0 && !arches.includes(who.arch))) return false;
  return constraints.every((constraint) => satisfies(constraint, who));
}

/** The shortage of `wanted` in `free`, memory first; undefined where it fits. */
export function lacking(wanted: Resources, free: Resources): Unfit | undefined {
  const lacksMemory = wanted.memoryBytes > free.memoryBytes;
  const lacksCpu = wanted.cpuMillicores > free.cpuMillicores;
  if (!lacksMemory && !lacksCpu) return undefined;
  const [wantedMemory, freeMemory] = memoryWordsApart(wanted.memoryBytes, free.memoryBytes);
  const memory = `needs ${wantedMemory}, ${freeMemory} free`;
  const cpu = `needs ${cpuWords(wanted.cpuMillicores)}, ${cpuNumber(free.cpuMillicores)} free`;
  if (lacksMemory && lacksCpu) return { reason: 'memory', detail: `${memory}; ${cpu}` };
  return lacksMemory ? { reason: 'memory', detail: memory } : { reason: 'cpu', detail: cpu };
}

/** Whether a node may be asked for this much: a negative amount would make room where there is none. */
export function isAmount({ cpuMillicores, memoryBytes }: Resources): boolean {
  return Number.isSafeInteger(cpuMillicores) && cpuMillicores >= 0 && Number.isSafeInteger(memoryBytes) && memoryBytes >= 0;
}

export const classRank = (cpuClass: CpuClass): number => CPU_CLASSES.indexOf(cpuClass);

function satisfies(constraint: Constraint, candidate: Described): boolean {
  const found = valuesOf(constraint.key, candidate).some((value) => matchesGlob(constraint.value, value));
  return constraint.operator === '==' ? found : !found;
}

function valuesOf(key: string, candidate: Described): readonly string[] {
  switch (key) {
    case 'node':
      return [candidate.name, candidate.id];
    case 'arch':
      return [candidate.arch];
    case 'class':
      return [candidate.class];
    default: {
      const value = Object.hasOwn(candidate.labels, key) ? candidate.labels[key] : undefined;
      return value === undefined ? [] : [value];
    }
  }
}

/**
 * `*` stands for any run of characters. Greedy with one point of return, so a hostile pattern costs
 * at most pattern × value steps, where a regular expression might take for ever.
 */
export function matchesGlob(pattern: string, value: string): boolean {
  let p = 0;
  let v = 0;
  let star = -1;
  let resume = 0;
  while (v < value.length) {
    if (pattern[p] === '*') {
      star = p++;
      resume = v;
    } else if (p < pattern.length && pattern[p] === value[v]) {
      p++;
      v++;
    } else if (star >= 0) {
      p = star + 1;
      v = ++resume;
    } else {
      return false;
    }
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}
