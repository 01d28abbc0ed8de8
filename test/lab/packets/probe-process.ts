import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Lab } from '../lab.ts';
import type { Whom } from './packet.ts';
import type { Answer, Counts, Found, Names, News, Order, Publication } from './protocol.ts';

export interface ProbeEvents {
  event(words: string, about: readonly string[]): void;
  wrong(words: string, about: readonly string[]): void;
}

/**
 * The prober: a process of its own, as it enters containers' network namespaces. In every container's interface it has
 * a socket, from which it sends all the time, and says of each packet that arrives whether it may have come there.
 */
export class ProbeProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve(answer: Answer): void; reject(error: Error): void }>();
  #lastId = 0;

  private constructor(events: ProbeEvents) {
    this.#child = fork(join(import.meta.dirname, 'prober.ts'), { execArgv: ['--disable-warning=ExperimentalWarning'] });
    this.#child.on('message', (news: News) => {
      if (news.kind === 'event') events.event(news.words, news.about);
      else if (news.kind === 'wrong') events.wrong(news.words, news.about);
      else this.#answered(news);
    });
    this.#child.on('exit', (code, signal) => {
      for (const waiting of this.#waiting.values()) waiting.reject(new Error(`the prober ended with ${code ?? signal}`));
      this.#waiting.clear();
    });
  }

  static async start(lab: Lab, events: ProbeEvents): Promise<ProbeProcess> {
    const probe = new ProbeProcess(events);
    const hosts = lab.hosts.map(({ name, netns, runDir }) => ({ name, netns, runDir }));
    await probe.#order({ kind: 'begin', hosts, outside: { netns: lab.switchNetns, ip: lab.bridgeIp } });
    return probe;
  }

  async publish(publications: readonly Publication[]): Promise<void> {
    await this.#order({ kind: 'publications', publications });
  }

  async endpoints(): Promise<readonly Whom[]> {
    return (await this.#order({ kind: 'endpoints' })) as readonly Whom[];
  }

  async mesh(withinMs: number): Promise<Found> {
    return (await this.#order({ kind: 'mesh', withinMs })) as Found;
  }

  async names(names: readonly Names[], withinMs: number): Promise<Found> {
    return (await this.#order({ kind: 'names', names, withinMs })) as Found;
  }

  async doors(withinMs: number): Promise<Found> {
    return (await this.#order({ kind: 'doors', withinMs })) as Found;
  }

  /** Closes all its sockets. */
  async end(): Promise<Counts> {
    return (await this.#order({ kind: 'end' })) as Counts;
  }

  close(): void {
    this.#child.kill('SIGKILL');
  }

  #order(order: Order): Promise<Answer> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ id, order }, (error) => {
        if (error !== null) reject(error);
      });
    });
  }

  #answered(news: News & { readonly kind: 'answer' | 'failed' }): void {
    const waiting = this.#waiting.get(news.id);
    this.#waiting.delete(news.id);
    if (news.kind === 'answer') waiting?.resolve(news.answer);
    else waiting?.reject(new Error(news.why));
  }
}
