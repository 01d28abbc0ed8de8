/**
 * Where a run's affinities send it in an instance too large to ask everybody. The name directory tells
 * which nodes have the containers that it wants to be with: only those are asked then, directly. Nodes
 * with containers that it must not be with are left out of the find, as far as they are known; each
 * supplier looks for itself in any case.
 *
 * The directory knows no patterns of names and images. Such an affinity, or one whose keeper did not
 * answer, is left to chance: the find goes on without it, suppliers refuse, and a refusal says so.
 * Where few nodes meet the run's filters, of those only the ones that affinities leave are asked.
 * Cost: a look-up, two messages, for each affinity.
 */
import type { Affinity, NameEntry, NameKey, NodeId, Turn } from '../model/index.ts';
import { affinityWords, imageRepository, isMeant } from '../model/affinity.ts';
import { isEligible, matchesGlob } from '../model/filter.ts';
import { DISCOVERY } from '../discovery/tunables.ts';
import { filterWords, filtersOf } from './eligible.ts';
import type { Run, Stage } from './run.ts';
import type { Runs } from './runs.ts';
import { SCHEDULER } from './tunables.ts';
import { affinitiesOf } from './wishes.ts';

type LookingUp = Extract<Stage, { kind: 'looking-up' }>;

export class Whereabouts {
  readonly #runs: Runs;
  readonly #located: (turn: Turn, run: Run) => void;

  /** @param located goes on once the run's `among` and `shunned` are set */
  constructor(runs: Runs, located: (turn: Turn, run: Run) => void) {
    this.#runs = runs;
    this.#located = located;
  }

  begin(turn: Turn, run: Run): void {
    const { lookUp, times } = this.#runs.options;
    const asked = affinitiesOf(run).flatMap((affinity) => keysOf(affinity).map((key) => ({ affinity, key })));
    const token = this.#runs.setTimer(turn, run, times.findMs);
    const stage: LookingUp = { kind: 'looking-up', token, unanswered: asked.length, found: new Map() };
    run.stage = stage;
    for (const { affinity, key } of asked) {
      lookUp(turn, key, (turn, { entries, complete }) => {
        // It has gone on without this word, or is over: an ended run keeps the stage it ended in.
        if (run.stage !== stage || this.#runs.get(run.request.id) !== run) return;
        const nodes = entries.filter((entry) => isAsked(key, entry, affinity)).map(({ node }) => node);
        const before = stage.found.get(affinity);
        stage.found.set(affinity, {
          nodes: new Set([...(before?.nodes ?? []), ...nodes]),
          complete: complete && before?.complete !== false,
        });
        if (--stage.unanswered === 0) this.timedOut(turn, run, stage);
      });
    }
    if (asked.length === 0) this.timedOut(turn, run, stage);
  }

  /** Or all have answered: goes on with what is known. */
  timedOut(turn: Turn, run: Run, { found }: LookingUp): void {
    const companions = run.owner.companions(run);
    const shunned = new Set<NodeId>();
    const unknown: string[] = [];
    const partly: string[] = [];
    // What filters leave, where that is few.
    let whole = run.among;
    let part: ReadonlySet<NodeId> | undefined;
    for (const affinity of affinitiesOf(run)) {
      const { nodes, complete } = found.get(affinity) ?? { nodes: new Set<NodeId>(), complete: false };
      if (affinity.operator === '!=') {
        for (const id of nodes) shunned.add(id);
        continue;
      }
      const meant = companions.filter(({ part }) => isMeant(affinity, part)).map(({ node }) => node);
      const where = new Set([...nodes, ...meant]);
      if (complete) {
        whole = both(whole, where);
      } else if (where.size > 0) {
        part = both(part, where);
        partly.push(affinityWords(affinity));
      } else {
        unknown.push(affinityWords(affinity));
      }
    }
    // A list that may lack some tells where to look first, not where there is nothing.
    const narrowed = part === undefined ? undefined : both(whole, part);
    if (narrowed?.size === 0) unknown.push(...partly);
    const words = affinitiesOf(run)
      .filter(({ operator }) => operator === '==')
      .map(affinityWords);
    run.amongWords = [...words.filter((affinity) => !unknown.includes(affinity)), ...run.amongWords];
    this.#narrow(turn, run, narrowed === undefined || narrowed.size === 0 ? whole : narrowed);
    run.shunned = [...shunned].slice(0, SCHEDULER.shunned);
    run.unknown = unknown;
    this.#located(turn, run);
  }

  /** As many as may be asked: first who meets the filters, then not always the same ones, since those may be the fullest. */
  #narrow(turn: Turn, run: Run, where: ReadonlySet<NodeId> | undefined): void {
    run.among = where;
    if (where === undefined || where.size <= DISCOVERY.smallInstance) return;
    const filters = filtersOf(run);
    const meeting = this.#runs.live(where).filter((member) => isEligible(filters, member));
    run.among = new Set(turn.random.shuffle(meeting.map(({ id }) => id)).slice(0, DISCOVERY.smallInstance));
    run.amongWords = [...run.amongWords, ...filterWords(run)];
  }
}

function both(before: ReadonlySet<NodeId> | undefined, now: ReadonlySet<NodeId>): ReadonlySet<NodeId> {
  return before === undefined ? now : new Set([...now].filter((id) => before.has(id)));
}

/** What to look up; nothing where the directory has no key for it. */
function keysOf({ subject, key, value }: Affinity): readonly NameKey[] {
  if (subject === 'label') return [{ kind: 'label', key }];
  const text = subject === 'image' ? imageRepository(value) : value;
  if (text.includes('*')) return [];
  if (subject === 'image') return [{ kind: 'image', reference: text }];
  const name: NameKey = { kind: 'name', name: value };
  return ID.test(value) ? [name, { kind: 'id', prefix: value }] : [name];
}

function isAsked(key: NameKey, { value, containerId, name }: NameEntry, affinity: Affinity): boolean {
  if (key.kind === 'image') return isMeant(affinity, { containerId, name, labels: {}, image: value });
  if (key.kind === 'label') return matchesGlob(affinity.value, value);
  return key.kind !== 'id' || containerId.startsWith(key.prefix);
}

/** As a container's id is shown, or longer. */
const ID = /^[0-9a-f]{12,64}$/;
