import type { Client } from '../../docker-api/client.ts';
import { jsonLines } from '../../docker-api/json-lines.ts';
import type { StatsSample } from '../../docker-api/types.ts';
import { sentence } from '../failure.ts';
import { containerPath } from '../paths.ts';
import type { StatsRow } from '../views/stats-view.ts';
import { figuresOf, isEmpty } from './figures.ts';

/** A container as `stats` found it. */
export interface Subject {
  readonly id: string;
  readonly name: string;
  /** Name of its node. */
  readonly node: string;
}

/** The figures of one container as they come. */
export class Watched {
  readonly subject: Subject;
  readonly #ending = new AbortController();
  #row: StatsRow;
  /** Resolves to the reason when no more come; undefined where the stream just ended. Never rejects. */
  readonly ended: Promise<string | undefined>;

  constructor(client: Client, subject: Subject) {
    this.subject = subject;
    this.#row = { ...subject, figures: undefined };
    this.ended = this.#follow(client);
  }

  get row(): StatsRow {
    return this.#row;
  }

  close(): void {
    this.#ending.abort();
  }

  async #follow(client: Client): Promise<string | undefined> {
    try {
      const query = { stream: true };
      const stream = await client.stream('GET', containerPath(this.subject.id, '/stats'), { query, signal: this.#ending.signal });
      for await (const sample of jsonLines<StatsSample>(stream)) this.#row = rowOf(this.subject, sample);
      return undefined;
    } catch (error) {
      return this.#ending.signal.aborted ? undefined : (sentence(error) ?? String(error));
    } finally {
      this.#row = { ...this.#row, figures: undefined };
    }
  }
}

/** One look: the daemon takes two moments, so that there is a share of CPU. */
export async function lookAt(client: Client, subject: Subject): Promise<StatsRow> {
  const { value } = await client.json<StatsSample>('GET', containerPath(subject.id, '/stats'), { query: { stream: false } });
  return rowOf(subject, value);
}

function rowOf(subject: Subject, sample: StatsSample): StatsRow {
  const name = sample.name.replace(/^\//, '');
  return { ...subject, name: name === '' ? subject.name : name, figures: isEmpty(sample) ? undefined : figuresOf(sample) };
}
