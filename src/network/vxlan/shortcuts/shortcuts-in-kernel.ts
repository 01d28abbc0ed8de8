import { applyRuleset } from '../../../linux/nft.ts';
import { NFT_FAMILY } from '../../../linux/nftables/elements.ts';
import type { NftSocket } from '../../../linux/nftables/nft-socket.ts';
import type { Names } from '../names.ts';
import type { ShortcutChain, Shortcuts } from './plan-shortcuts.ts';

export interface ShortcutsInKernelParts {
  readonly names: Names;
  readonly nft: NftSocket;
  readonly log: (level: 'info', message: string, facts: Readonly<Record<string, unknown>>) => void;
  /** Of a device; undefined: there is none. */
  readonly indexOf: (device: string) => number | undefined;
  /** Until what is only more is made; undefined: SOON_MS. */
  readonly soonMs?: number;
}

/** A container that starts needs the processors more; those that start together are one change. */
const SOON_MS = 250;

/**
 * The netdev table with the shortcuts, by nft(8), apart from all that is waited for: a network is whole without them.
 * What leads elsewhere by now is changed at once, what is only more a moment later. The table is there as long as
 * there is a shortcut.
 */
export class ShortcutsInKernel {
  readonly #parts: ShortcutsInKernelParts;
  #wanted: Shortcuts = new Map();
  /** What the kernel has. undefined: unknown, and the table is made anew. */
  #known: Makings | undefined;
  #fingerprint = '';
  /** What the kernel did not take: not tried again before the next sweep, unless something else is wanted. */
  #refused: string | undefined;
  #lastError = '';
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isClosed = false;

  constructor(parts: ShortcutsInKernelParts) {
    this.#parts = parts;
  }

  want(wanted: Shortcuts): void {
    this.#wanted = wanted;
    if (this.#isClosed) return;
    const isElsewhere = [...(this.#known ?? [])].some(
      ([name, { chain, made }]) => chain.device === undefined && this.#makingOf(name)?.made !== made,
    );
    if (isElsewhere) this.#start();
    else this.#timer ??= setTimeout(() => this.#start(), this.#parts.soonMs ?? SOON_MS).unref();
  }

  /** Resolves when the kernel has what is wanted, or does not take it. */
  async settled(): Promise<void> {
    this.#start();
    await this.#running;
  }

  /** News of the table are our own doing. */
  get isChanging(): boolean {
    return this.#running !== undefined;
  }

  /** False: somebody changed them, and they are made anew. @throws SystemError */
  verify(): boolean {
    const known = this.#known;
    if (known === undefined || this.isChanging || this.#print() === this.#fingerprint) return true;
    // With a device its chain may go.
    const isOurs = [...known].some(([name, { made }]) => this.#makingOf(name)?.made !== made);
    this.#known = undefined;
    this.#start();
    return isOurs;
  }

  /** What failed once may go by now. */
  tryAgain(): void {
    if (this.#refused === undefined) return;
    this.#refused = undefined;
    this.#start();
  }

  removeAll(): Promise<void> {
    this.want(new Map());
    return this.settled();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async #run(): Promise<void> {
    while (!this.#isClosed) {
      const makings = this.#makings();
      try {
        if (this.#isDone(makings)) return;
        await this.#change(makings);
      } catch (error) {
        this.#refused = textOf(makings);
        this.#tell(String(error));
      }
    }
  }

  /** Once. */
  #tell(error: string): void {
    if (error === this.#lastError) return;
    this.#lastError = error;
    this.#parts.log('info', 'the kernel takes no shortcuts between hosts: packets go the longer way', { error });
  }

  #isDone(makings: Makings): boolean {
    const text = textOf(makings);
    if (text === this.#refused) return true;
    return this.#known === undefined ? makings.size === 0 && this.#print() === '' : textOf(this.#known) === text;
  }

  /** Old ways must not stand: what can't be changed is made anew, and what can't be made is taken away. @throws NftError */
  async #change(makings: Makings): Promise<void> {
    const known = this.#known;
    this.#known = undefined;
    const isChanged = known !== undefined && makings.size > 0 && (await this.#tries(this.#difference(known, makings)));
    if (!isChanged) {
      await applyRuleset(this.#drop());
      if (makings.size > 0) await applyRuleset(this.#difference(new Map(), makings));
    }
    this.#known = makings;
    this.#fingerprint = this.#print();
  }

  async #tries(text: string): Promise<boolean> {
    return applyRuleset(text).then(
      () => true,
      () => false,
    );
  }

  #difference(known: Makings, wanted: Makings): string {
    const table = `netdev ${this.#parts.names.table}`;
    const empty = (name: string) => `add chain ${table} ${name}\nflush chain ${table} ${name}\n`;
    const gone = [...known.keys()].filter((name) => !wanted.has(name)).toReversed();
    const fresh = [...wanted].filter(([name, { made }]) => known.get(name)?.made !== made);
    return [
      `add table ${table}\n`,
      ...gone.map((name) => `${empty(name)}delete chain ${table} ${name}\n`),
      ...fresh.map(([name, { chain }]) => {
        const hook = `{ type filter hook ingress device "${chain.device}" priority 0; policy accept; }`;
        const anew = chain.device === undefined ? '' : `delete chain ${table} ${name}\nadd chain ${table} ${name} ${hook}\n`;
        return `${empty(name)}${anew}add rule ${table} ${name} ${chain.rule}\n`;
      }),
    ].join('');
  }

  /** Chains that can be made now. */
  #makings(): Makings {
    return new Map(
      [...this.#wanted.keys()].flatMap((name) => {
        const making = this.#makingOf(name);
        return making === undefined ? [] : [[name, making]];
      }),
    );
  }

  /** undefined: it isn't wanted, or a device isn't there. */
  #makingOf(name: string): Making | undefined {
    const chain = this.#wanted.get(name);
    const indices = (chain?.needs ?? []).map((device) => this.#parts.indexOf(device));
    return chain === undefined || indices.includes(undefined) ? undefined : { chain, made: `${indices.join(' ')} ${chain.rule}` };
  }

  #drop(): string {
    const table = `netdev ${this.#parts.names.table}`;
    return `add table ${table}\ndelete table ${table}\n`;
  }

  #print(): string {
    return this.#parts.nft.fingerprint(NFT_FAMILY.netdev, this.#parts.names.table);
  }
}

interface Making {
  readonly chain: ShortcutChain;
  /** All that it is made of: a rule knows devices by index. */
  readonly made: string;
}

/** By name, in the order of `Shortcuts`. */
type Makings = ReadonlyMap<string, Making>;

const textOf = (makings: Makings): string => JSON.stringify([...makings].map(([name, { made }]) => `${name} ${made}`).toSorted());
