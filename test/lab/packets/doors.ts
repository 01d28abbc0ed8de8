import type { Socket } from 'node:dgram';
import type { Prng } from '../../../src/lib/prng.ts';
import type { Endpoint, ProbedHost } from './endpoint-table.ts';
import { packed, unpacked } from './packet.ts';
import type { Publication } from './protocol.ts';
import { sendFrom, socketIn } from './socket-in.ts';

/** Whence all knocks of a place come: a flow that goes on while what is behind the port changes. */
const KNOCK_PORT = 7100;
const ANSWER_MS = 300;

interface Place {
  readonly name: string;
  readonly socket: Socket;
}

/** Knocks at published ports, from each host and from outside, always from the same port. */
export class Doors {
  readonly #places: readonly Place[];
  readonly #random: Prng;
  readonly #wrong: (words: string, about: readonly string[]) => void;
  readonly #waiting = new Map<number, (container: string) => void>();
  readonly #knocked = new Map<number, { readonly port: number; readonly meant: readonly string[]; readonly words: string }>();
  #publications: readonly Publication[] = [];
  #lastId = 0;
  knocks = 0;
  opened = 0;

  constructor(
    hosts: readonly ProbedHost[],
    outside: { readonly netns: string; readonly ip: string },
    random: Prng,
    wrong: (words: string, about: readonly string[]) => void,
  ) {
    this.#random = random;
    this.#wrong = wrong;
    const places = [{ name: 'outside', netns: outside.netns }, ...hosts];
    this.#places = places.map(({ name, netns }) => {
      const socket = socketIn(`/run/netns/${netns}`, '0.0.0.0', KNOCK_PORT);
      socket.on('message', (bytes) => this.#heard(bytes));
      socket.on('error', () => undefined);
      return { name, socket };
    });
  }

  set publications(publications: readonly Publication[]) {
    this.#publications = publications;
  }

  holdersOf(port: number): readonly string[] {
    return this.#publications.find((each) => each.port === port)?.holders ?? [];
  }

  turn(): void {
    const publication = this.#random.pick(this.#publications);
    const place = this.#random.pick(this.#places);
    const ip = this.#random.pick(publication?.at ?? []);
    if (publication !== undefined && place !== undefined && ip !== undefined) this.#knock(place, publication, ip);
  }

  /** Every open port, at every address, from everywhere. */
  all(): readonly { readonly place: string; readonly publication: Publication; readonly ip: string }[] {
    const open = this.#publications.filter(({ isOpen }) => isOpen);
    return open.flatMap((publication) =>
      publication.at.flatMap((ip) => this.#places.map(({ name }) => ({ place: name, publication, ip }))),
    );
  }

  /** undefined: who should, has answered. */
  async try(question: { readonly place: string; readonly publication: Publication; readonly ip: string }): Promise<string | undefined> {
    const place = this.#places.find(({ name }) => name === question.place);
    if (place === undefined) return 'no such place';
    const id = this.#knock(place, question.publication, question.ip);
    const answer = await new Promise<string | undefined>((resolve) => {
      const timer = setTimeout(() => resolve(undefined), ANSWER_MS);
      this.#waiting.set(id, (container) => {
        clearTimeout(timer);
        resolve(container);
      });
    });
    this.#waiting.delete(id);
    return answer !== undefined && question.publication.holders.includes(answer) ? undefined : (answer ?? 'nothing');
  }

  /** A knock came into a container: it says who it is. */
  open(here: Endpoint, id: number, source: { readonly address: string; readonly port: number }): void {
    sendFrom(here.socket, packed({ kind: 'here', id, container: here.container }), source.address, source.port);
  }

  close(): void {
    for (const { socket } of this.#places) socket.close();
  }

  #knock(place: Place, { port, holders }: Publication, ip: string): number {
    const id = ++this.#lastId;
    this.knocks++;
    const way = `from ${place.name} to ${ip}:${port}`;
    this.#knocked.set(id, { port, meant: holders, words: way });
    this.#knocked.delete(id - 1_000);
    sendFrom(place.socket, packed({ kind: 'knock', id, port, meant: holders, way, sentMs: performance.now() }), ip, port);
    return id;
  }

  #heard(bytes: Buffer): void {
    const packet = unpacked(bytes);
    if (packet?.kind !== 'here') return;
    this.opened++;
    const knocked = this.#knocked.get(packet.id);
    const may = knocked === undefined ? [] : [...knocked.meant, ...this.holdersOf(knocked.port)];
    if (knocked !== undefined && !may.includes(packet.container)) {
      this.#wrong(`a knock ${knocked.words} was answered by ${packet.container.slice(0, 12)}`, [packet.container, ...may]);
    }
    this.#waiting.get(packet.id)?.(packet.container);
  }
}
