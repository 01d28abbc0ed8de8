import { LIMITS } from '../../model/index.ts';
import type { FoundMessage, NameKey, NodeId, Timer, Turn } from '../../model/index.ts';
import type { Found } from './lookup.ts';

type Done = (turn: Turn, found: Found) => void;

interface Question {
  readonly to: NodeId;
  readonly key: NameKey;
  readonly own: boolean;
  readonly done: Done;
  repeated: boolean;
}

/** Look-ups that wait for their answer: asked twice, then given up. Each ends with one call of its `done`. */
export class Questions {
  readonly #askMs: number;
  readonly #open = new Map<number, Question>();
  /** Begins with the clock, so that an answer to an earlier life is not taken for one to this. */
  #last = 0;

  constructor(askMs: number) {
    this.#askMs = askMs;
  }

  get size(): number {
    return this.#open.size;
  }

  start(turn: Turn): void {
    this.#last = Math.max(0, Math.floor(turn.wallMs)) * NUMBERS_PER_MS;
  }

  ask(turn: Turn, to: NodeId, key: NameKey, own: boolean, done: Done): void {
    if (this.#open.size >= LIMITS.lookUps) return done(turn, UNKNOWN);
    const number = ++this.#last;
    const question: Question = { to, key, own, done, repeated: false };
    this.#open.set(number, question);
    this.#send(turn, number, question);
  }

  found(turn: Turn, from: NodeId, { question: number, entries, complete }: FoundMessage): void {
    const question = this.#open.get(number);
    if (question?.to === from) this.#end(turn, number, question, { entries, complete });
  }

  memberGone(turn: Turn, id: NodeId): void {
    for (const [number, question] of this.#open) if (question.to === id) this.#end(turn, number, question, UNKNOWN);
  }

  timer(turn: Turn, { key }: Timer): void {
    const number = Number(key);
    const question = this.#open.get(number);
    if (question === undefined) return;
    if (question.repeated) return this.#end(turn, number, question, UNKNOWN);
    question.repeated = true;
    this.#send(turn, number, question);
  }

  #send(turn: Turn, number: number, { to, key, own }: Question): void {
    turn.setTimer({ machine: 'names', name: 'ask', key: String(number), token: 0 }, this.#askMs);
    turn.send(to, { kind: 'look-up', question: number, key, own });
  }

  #end(turn: Turn, number: number, { done }: Question, found: Found): void {
    this.#open.delete(number);
    done(turn, found);
  }
}

/** Far more than are asked; and 2^53 is reached in 280 years. */
const NUMBERS_PER_MS = 1_024;

const UNKNOWN: Found = { entries: [], complete: false };
