import type { Backend } from '../backend.ts';
import type { Member } from '../../core/model/index.ts';
import { readJson } from '../http/body.ts';
import { API_LIMITS } from '../limits.ts';
import { SCOPE_HEADER } from './scope.ts';

export interface Question {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  /** Path and query as a client would send it: `/containers/json?all=1`. */
  readonly path: string;
  /** Which peers; default all that are alive or suspect. */
  readonly whom?: (member: Member) => boolean;
  /** True ends the asking: no other answer can change the outcome. */
  readonly enough?: (answer: PeerAnswer) => boolean;
  readonly deadlineMs?: number;
}

export interface PeerAnswer {
  readonly member: Member;
  readonly status: number;
  /** Parsed JSON: check its shape. */
  readonly body: unknown;
}

export interface Asked {
  readonly answers: readonly PeerAnswer[];
  /** Who was asked and did not answer in time, or answered with a failure of its own. */
  readonly silent: readonly Member[];
  /** Who was meant, too, and was dead when the others were asked: it may be back by now, and has not been asked all the same. */
  readonly dead: readonly Member[];
}

/** Members that may still hold containers but can't be asked. */
export const deadMembers = (backend: Backend): Member[] => backend.members().filter((m) => m.state === 'dead');

/** Puts one question to all peers at once, under one deadline. Never throws for a peer's sake. */
export async function askAll(backend: Backend, question: Question): Promise<Asked> {
  const self = backend.self().id;
  const waiting = backend
    .members()
    .filter((m) => m.id !== self && (m.state === 'alive' || m.state === 'suspect') && (question.whom?.(m) ?? true));
  const dead = deadMembers(backend).filter((m) => question.whom?.(m) ?? true);
  const answers: PeerAnswer[] = [];
  const silent: Member[] = [];
  const deadlineMs = question.deadlineMs ?? API_LIMITS.askDeadlineMs;
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), deadlineMs);
  let found = false;

  const worker = async (): Promise<void> => {
    for (let member = waiting.pop(); member !== undefined; member = waiting.pop()) {
      const answer = over.signal.aborted ? undefined : await askOne(backend, member, question, deadlineMs, over.signal);
      if (answer === undefined) {
        if (!found) silent.push(member);
        continue;
      }
      answers.push(answer);
      if (question.enough?.(answer) === true) {
        found = true;
        over.abort();
      }
    }
  };

  try {
    await Promise.all(Array.from({ length: Math.min(API_LIMITS.askParallel, waiting.length) }, worker));
  } finally {
    clearTimeout(timer);
  }
  return { answers, silent: found ? [] : silent, dead };
}

/** One peer's answer; undefined where none came in time. */
async function askOne(
  backend: Backend,
  member: Member,
  question: Question,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<PeerAnswer | undefined> {
  // The deadline holds even where the transport does not heed the signal.
  let late = (): void => undefined;
  const deadline = new Promise<undefined>((resolve) => {
    late = () => resolve(undefined);
    signal.addEventListener('abort', late, { once: true });
  });
  try {
    return await Promise.race([ask(backend, member, question, deadlineMs, signal), deadline]);
  } catch (error) {
    if (!signal.aborted) backend.log('debug', 'a peer did not answer', { peer: member.name, path: question.path, error: String(error) });
    return undefined;
  } finally {
    signal.removeEventListener('abort', late);
  }
}

async function ask(
  backend: Backend,
  member: Member,
  question: Question,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<PeerAnswer | undefined> {
  const response = await backend.request(member.id, {
    method: question.method ?? 'GET',
    path: `/api${question.path}`,
    headers: { [SCOPE_HEADER]: 'node' },
    timeoutMs: deadlineMs,
    signal,
  });
  const cut = (): void => void response.body.destroy();
  signal.addEventListener('abort', cut, { once: true });
  try {
    if (signal.aborted || response.status >= 500) {
      cut();
      return undefined;
    }
    return { member, status: response.status, body: await readJson(response.body, API_LIMITS.answerBytes) };
  } finally {
    signal.removeEventListener('abort', cut);
  }
}
