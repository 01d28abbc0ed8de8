import { type Exchange, KEPT_BYTES } from './exchange.ts';
import { bodyKindOf, type Head, MessageReader } from './http-messages.ts';

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: Head['headers'];
}

interface Answered {
  readonly asked: Asked;
  readonly status: number;
  readonly headers: Head['headers'];
  readonly pieces: Buffer[];
  kept: number;
  total: number;
}

/** These go on in raw bytes, with an upgrade or without. */
const HIJACKED = /\/(containers\/[^/]+\/attach|exec\/[^/]+\/start)(\?|$)/;

/** Listens to both directions of one client's connection, and tells each exchange when it is over. */
export class Recorder {
  readonly #tell: (exchange: Exchange) => void;
  readonly #complain: (what: string) => void;
  readonly #waiting: Asked[] = [];
  #answer: Answered | undefined;
  readonly #requests: MessageReader;
  readonly #answers: MessageReader;

  constructor(tell: (exchange: Exchange) => void, complain: (what: string) => void) {
    this.#tell = tell;
    this.#complain = complain;
    this.#requests = new MessageReader({
      head: ({ first, headers }) => {
        const [method = '', url = ''] = first.split(' ');
        this.#waiting.push({ method, url, headers });
        return bodyKindOf(headers, 'none');
      },
      body: () => {},
      // What follows is the container's input, and there is no telling when: such a client asks nothing else.
      end: () => HIJACKED.test(this.#waiting.at(-1)?.url ?? '') && this.#requests.goRaw(),
    });
    this.#answers = new MessageReader({
      head: (head) => this.#answerBegins(head),
      body: (piece) => this.#keep(piece),
      end: () => this.#over('whole'),
    });
  }

  fromClient(data: Buffer): void {
    try {
      this.#requests.push(data);
    } catch (error) {
      this.#complain(`a client's words: ${(error as Error).message}`);
    }
  }

  fromDaemon(data: Buffer): void {
    try {
      this.#answers.push(data);
    } catch (error) {
      this.#complain(`${this.#waiting[0]?.method} ${this.#waiting[0]?.url}: ${(error as Error).message}`);
    }
  }

  /** The connection's end; `byClient`: who does not want the rest of an answer cut nothing. */
  closed(byClient: boolean): void {
    if (this.#answer === undefined && this.#waiting.length === 0) return;
    try {
      this.#answers.close();
      this.#over('whole');
    } catch {
      this.#over(byClient ? 'left' : 'cut');
    }
    if (!byClient) for (const { method, url } of this.#waiting) this.#complain(`${method} ${url}: no answer`);
  }

  #answerBegins({ first, headers }: Head) {
    const status = Number(first.split(' ')[1]);
    if (status >= 100 && status < 200 && status !== 101) return 'none';
    const asked = this.#waiting.shift();
    // A client that was refused its raw stream goes on in HTTP, and nobody listens to it any more.
    if (asked === undefined && this.#requests.isRaw) return 'raw';
    if (asked === undefined) throw new Error(`an answer nobody asked for: ${first}`);
    this.#answer = { asked, status, headers, pieces: [], kept: 0, total: 0 };
    if (status === 101) return 'raw';
    if (asked.method === 'HEAD' || status === 204 || status === 304) return 'none';
    return bodyKindOf(headers, 'close');
  }

  #keep(piece: Buffer): void {
    const answer = this.#answer;
    if (answer === undefined) return;
    answer.total += piece.length;
    if (answer.kept >= KEPT_BYTES) return;
    // A part of a larger piece would keep all of it.
    answer.pieces.push(Buffer.from(piece));
    answer.kept += piece.length;
  }

  #over(end: Exchange['end']): void {
    const answer = this.#answer;
    if (answer === undefined) return;
    this.#answer = undefined;
    const { asked, status, headers, pieces, kept, total } = answer;
    this.#tell({
      method: asked.method,
      url: asked.url,
      requestHeaders: asked.headers,
      status,
      headers,
      body: Buffer.concat(pieces),
      cutShort: total > kept,
      end,
    });
  }
}
