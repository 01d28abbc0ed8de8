import type { ProbedHost } from './endpoint-table.ts';
import type { Whom } from './packet.ts';

/** A published port, and which containers may answer there: one, or those between which it changes hands. */
export interface Publication {
  readonly port: number;
  readonly holders: readonly string[];
  /** Addresses of hosts. */
  readonly at: readonly string[];
  /** Whether there should be an answer. */
  readonly isOpen: boolean;
}

/** What is called how on a network. */
export interface Names {
  readonly network: string;
  readonly gateway: string;
  /** Name → the one address. */
  readonly known: Readonly<Record<string, string>>;
  readonly unknown: readonly string[];
}

export interface Found {
  /** What is not as it should be, in words, with the ids and addresses that it is about. */
  readonly wrong: readonly { readonly words: string; readonly about: readonly string[] }[];
  readonly asked: number;
  readonly tookMs: number;
}

/** What the prober is asked to do. */
export type Order =
  | { readonly kind: 'begin'; readonly hosts: readonly ProbedHost[]; readonly outside: { readonly netns: string; readonly ip: string } }
  | { readonly kind: 'publications'; readonly publications: readonly Publication[] }
  | { readonly kind: 'endpoints' }
  /** Everybody on a network asks everybody on it. */
  | { readonly kind: 'mesh'; readonly withinMs: number }
  | { readonly kind: 'names'; readonly names: readonly Names[]; readonly withinMs: number }
  /** Each published port that is open is knocked at from each host and from outside. */
  | { readonly kind: 'doors'; readonly withinMs: number }
  | { readonly kind: 'end' };

export interface Counts {
  readonly sent: number;
  readonly arrived: number;
  readonly knocks: number;
  readonly opened: number;
  readonly endpoints: number;
}

export type Answer = readonly Whom[] | Found | Counts | 'done';

/** What the prober says of itself. */
export type News =
  | { readonly kind: 'answer'; readonly id: number; readonly answer: Answer }
  | { readonly kind: 'failed'; readonly id: number; readonly why: string }
  | { readonly kind: 'event'; readonly words: string; readonly about: readonly string[] }
  | { readonly kind: 'wrong'; readonly words: string; readonly about: readonly string[] };
