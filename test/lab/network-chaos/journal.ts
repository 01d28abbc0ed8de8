/** What happened, for whoever has to understand a failure: the newest of it. */
const KEPT = 60_000;
const DRAWN = 60;

interface Entry {
  readonly atMs: number;
  readonly words: string;
  readonly about: readonly string[];
}

export class Journal {
  readonly #beganMs = performance.now();
  readonly #entries: Entry[] = [];
  /** What must never be, as it was found. */
  readonly wrong: Entry[] = [];

  /** @param about names, ids and addresses, by which it is found again */
  note(words: string, about: readonly string[]): void {
    this.#entries.push({ atMs: performance.now() - this.#beganMs, words, about });
    if (this.#entries.length > KEPT) this.#entries.splice(0, KEPT / 4);
  }

  fault(words: string, about: readonly string[]): void {
    if (this.wrong.some((each) => each.words === words)) return;
    this.note(`WRONG: ${words}`, about);
    this.wrong.push({ atMs: performance.now() - this.#beganMs, words, about });
  }

  /** All of it. */
  text(): string {
    return this.#entries.map(line).join('\n');
  }

  /** What was found wrong, and for the first of it what happened before to those that it is about. */
  drawn(): string {
    const [first] = this.wrong;
    if (first === undefined) return 'nothing was found wrong';
    const about = new Set([...first.about].filter((each) => each !== ''));
    const story = this.#entries.filter((entry) => entry.about.some((each) => about.has(each) || each === 'all')).slice(-DRAWN);
    const lines = [...this.wrong.slice(0, 10).map(line), '', `what happened to ${[...about].map(short).join(', ')}:`, ...story.map(line)];
    return lines.join('\n');
  }
}

const short = (id: string): string => (/^[0-9a-f]{64}$/.test(id) ? id.slice(0, 12) : id);
const line = ({ atMs, words }: Entry): string => `${(atMs / 1000).toFixed(2).padStart(8)} s  ${words}`;
