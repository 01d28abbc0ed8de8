import { readFileSync, statSync } from 'node:fs';

interface Line {
  readonly message: string;
  readonly order?: string;
  readonly tookMs?: number;
  readonly [stage: string]: unknown;
}

/** What a daemon at log level debug says from now on about where its time goes. */
export class DebugLog {
  readonly #path: string;
  readonly #from: number;

  constructor(path: string) {
    this.#path = path;
    this.#from = statSync(path).size;
  }

  /** Milliseconds by stage: each order's sum, and the parts of engine-start. */
  stages(): Record<string, number> {
    const stages: Record<string, number> = {};
    const text = readFileSync(this.#path).subarray(this.#from).toString('utf8');
    for (const line of text.split('\n').filter((each) => each !== '')) {
      const { message, order, tookMs, ...facts } = JSON.parse(line) as Line;
      if (message === 'order done' && order !== undefined) stages[order] = (stages[order] ?? 0) + (tookMs ?? 0);
      if (message !== 'task launched') continue;
      for (const [name, value] of Object.entries(facts)) {
        if (name.endsWith('Ms') && typeof value === 'number') stages[`engine-start: ${name.slice(0, -2)}`] = value;
      }
    }
    return stages;
  }
}
