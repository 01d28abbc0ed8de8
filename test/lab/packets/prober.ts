/** A process that sees and sends packets in all containers of a lab: see `probe-process.ts`, which starts it. */
import { join } from 'node:path';
import { assertNever } from '../../../src/lib/assert.ts';
import { Prng } from '../../../src/lib/prng.ts';
import { askName } from './ask-name.ts';
import { Doors } from './doors.ts';
import { type Endpoint, EndpointTable, type ProbedHost } from './endpoint-table.ts';
import { Judge } from './judge.ts';
import { inWords, type Packet, packed, PROBE_PORT, unpacked } from './packet.ts';
import type { Answer, Found, Names, News, Order } from './protocol.ts';
import { persist } from './questions.ts';
import { sendFrom } from './socket-in.ts';
import { answerTo, bare, Traffic } from './traffic.ts';

const SWEEP_MS = 100;
const TURN_MS = 25;
const MESH_ANSWER_MS = 400;

class Prober {
  readonly #hosts: readonly ProbedHost[];
  readonly #table: EndpointTable;
  readonly #judge: Judge;
  readonly #traffic: Traffic;
  readonly #doors: Doors;
  readonly #asked = new Map<number, (by: Packet & { readonly kind: 'answer' }) => void>();
  readonly #timers: readonly NodeJS.Timeout[];
  #lastAsk = 0;
  #arrived = 0;

  constructor({ hosts, outside }: Order & { readonly kind: 'begin' }) {
    this.#hosts = hosts;
    const random = new Prng(process.pid);
    const wrong = (words: string, about: readonly string[]) => say({ kind: 'wrong', words, about });
    this.#table = new EndpointTable(hosts, {
      message: (here, bytes, source) => this.#message(here, bytes, source),
      appeared: (each) => say({ kind: 'event', words: `kernel: ${inWords(each)} is there`, about: [each.container, each.address] }),
      gone: (each) => {
        this.#traffic.left(each);
        this.#judge.left(each);
        say({ kind: 'event', words: `kernel: ${inWords(each)} is gone`, about: [each.container, each.address] });
      },
      twoOwners: (one, other) => wrong(`two owners: ${inWords(one)}, and ${inWords(other)}`, [one.container, other.container, one.address]),
    });
    this.#judge = new Judge(this.#table, wrong);
    this.#traffic = new Traffic(this.#table, random);
    this.#doors = new Doors(hosts, outside, random, wrong);
    this.#timers = [
      setInterval(() => this.#table.sweep(), SWEEP_MS),
      setInterval(() => {
        this.#traffic.turn();
        this.#doors.turn();
      }, TURN_MS),
    ];
  }

  async carryOut(order: Exclude<Order, { kind: 'begin' }>): Promise<Answer> {
    switch (order.kind) {
      case 'publications':
        this.#doors.publications = order.publications;
        return 'done';
      case 'endpoints':
        this.#table.sweep();
        return this.#table.all().map(bare);
      case 'mesh':
        return this.#mesh(order.withinMs);
      case 'names':
        return this.#names(order.names, order.withinMs);
      case 'doors':
        return this.#knockEverywhere(order.withinMs);
      case 'end':
        for (const timer of this.#timers) clearInterval(timer);
        this.#table.close();
        this.#doors.close();
        return {
          sent: this.#traffic.sent,
          arrived: this.#arrived,
          knocks: this.#doors.knocks,
          opened: this.#doors.opened,
          endpoints: this.#table.all().length,
        };
      default:
        return assertNever(order);
    }
  }

  #message(here: Endpoint, bytes: Buffer, source: { readonly address: string; readonly port: number }): void {
    const packet = unpacked(bytes);
    if (packet === undefined) return;
    switch (packet.kind) {
      case 'knock':
        this.#judge.knocked(here, packet, this.#doors.holdersOf(packet.port));
        this.#doors.open(here, packet.id, source);
        return;
      case 'here':
        return;
      case 'tell':
      case 'ask':
      case 'answer':
        this.#arrived++;
        this.#judge.arrived(here, packet, source.address);
        if (packet.kind === 'ask') sendFrom(here.socket, packed(answerTo({ ...packet, kind: 'ask' }, here)), source.address, source.port);
        if (packet.kind === 'answer') this.#asked.get(packet.id)?.({ ...packet, kind: 'answer' });
    }
  }

  async #mesh(withinMs: number): Promise<Found> {
    this.#table.sweep();
    const all = this.#table.all();
    const pairs = all.flatMap((from) => all.flatMap((to) => (from !== to && from.network === to.network ? [{ from, to }] : [])));
    const { unanswered, tookMs } = await persist(pairs, withinMs, ({ from, to }) => this.#ask(from, to));
    const wrong = unanswered.map(({ question: { from, to }, heard }) => ({
      words: `${inWords(from)} asked ${inWords(to)} and heard ${heard}`,
      about: [from.container, to.container, to.address],
    }));
    return { wrong, asked: pairs.length, tookMs };
  }

  #ask(from: Endpoint, to: Endpoint): Promise<string | undefined> {
    const id = ++this.#lastAsk;
    return new Promise((resolve) => {
      const timer = setTimeout(() => end('nothing'), MESH_ANSWER_MS);
      const end = (said: string | undefined) => {
        clearTimeout(timer);
        this.#asked.delete(id);
        resolve(said);
      };
      this.#asked.set(id, (by) => end(by.from.container === to.container ? undefined : inWords(by.from)));
      sendFrom(from.socket, packed({ kind: 'ask', id, from: bare(from), to: bare(to) }), to.address, PROBE_PORT);
    });
  }

  async #names(names: readonly Names[], withinMs: number): Promise<Found> {
    this.#table.sweep();
    const questions = names.flatMap(({ network, gateway, known, unknown }) =>
      this.#oneOfEachHost(network).flatMap((from) => [
        ...Object.entries(known).map(([name, should]) => ({ from, gateway, name, should })),
        ...unknown.map((name) => ({ from, gateway, name, should: 'NXDOMAIN' })),
      ]),
    );
    const { unanswered, tookMs } = await persist(questions, withinMs, async ({ from, gateway, name, should }) => {
      const path = join(this.#hosts.find((host) => host.name === from.host)?.runDir ?? '', 'netns', from.container);
      const said = await askName(path, from, gateway, name).catch(String);
      return said === should ? undefined : said;
    });
    const wrong = unanswered.map(({ question: { from, name, should }, heard }) => ({
      words: `${inWords(from)} asked for the name ${name}, which is ${should}, and heard ${heard}`,
      about: [name, should, heard, from.container],
    }));
    return { wrong, asked: questions.length, tookMs };
  }

  #oneOfEachHost(network: string): readonly Endpoint[] {
    const on = this.#table.all().filter((each) => each.network === network);
    return this.#hosts.flatMap(({ name }) => on.find(({ host }) => host === name) ?? []);
  }

  async #knockEverywhere(withinMs: number): Promise<Found> {
    const questions = this.#doors.all();
    const { unanswered, tookMs } = await persist(questions, withinMs, (question) => this.#doors.try(question));
    const wrong = unanswered.map(({ question: { place, publication, ip }, heard }) => ({
      words: `${place} knocked at ${ip}:${publication.port}, where ${publication.holders.map((id) => id.slice(0, 12)).join()} is, and heard ${heard}`,
      about: [...publication.holders, heard, `port ${publication.port}`],
    }));
    return { wrong, asked: questions.length, tookMs };
  }
}

function say(news: News): void {
  process.send?.(news);
}

let prober: Prober | undefined;

async function onOrder(id: number, order: Order): Promise<void> {
  if (order.kind === 'begin') {
    prober = new Prober(order);
    return say({ kind: 'answer', id, answer: 'done' });
  }
  if (prober === undefined) throw new Error('it has not begun');
  say({ kind: 'answer', id, answer: await prober.carryOut(order) });
}

process.on('message', ({ id, order }: { readonly id: number; readonly order: Order }) => {
  onOrder(id, order).catch((error: unknown) =>
    say({ kind: 'failed', id, why: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
// Its parent is gone: nobody listens any more.
process.on('disconnect', () => process.exit(0));
