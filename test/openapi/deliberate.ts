import type { Deviation } from './check-exchange.ts';

/** A deviation that is meant, and why. */
interface Deliberate {
  /** What names an operation, of those it is meant of. */
  readonly operation: RegExp;
  readonly what: RegExp;
  readonly why: string;
}

const ANY = /^/;

const DELIBERATE: readonly Deliberate[] = [
  {
    operation: ANY,
    what: /must be (array|object|integer), is null$/,
    why: 'Docker answers null for what is empty, all over: its clients read either; so do they of us',
  },
  { operation: ANY, what: /\/Isolation must be equal to one of the allowed values$/, why: 'empty on Linux, as Docker answers' },
  {
    operation: ANY,
    what: /\/RestartPolicy\/Name must be equal to one of/,
    why: '`no` is missing among the document’s values: Docker answers it',
  },
  {
    operation: / \/_ping$/,
    what: /^there is no header builder-version$/,
    why: 'it would promise a way to build images: there is none here, and Docker leaves it out, too, where there is none',
  },
  {
    operation: /^POST \/(containers\/\{id\}\/attach|exec\/\{id\}\/start)$/,
    what: /^(there is no header (api-version|ostype|server|docker-experimental)|the status 101 is not documented)$/,
    why: 'an upgraded connection’s answer: Docker writes it by hand, without the headers of all others',
  },
  {
    operation: /^(GET \/containers\/\{id\}\/(logs|stats)|POST \/(containers\/\{id\}\/attach|exec\/\{id\}\/start))$/,
    what: /^(there is no content-type|the content-type is application\/vnd\.docker\.(raw|multiplexed)-stream)$/,
    why: 'Docker 20.10 names no type for logs, nor for statistics as they come; from 1.42 on the type says whether the stream is multiplexed',
  },
  { operation: /^POST \/containers\/\{id\}\/(un)?pause$/, what: /^the status 409 /, why: 'Docker’s answer where it is paused, or is not' },
  {
    operation: /^POST \/containers\/\{id\}\/start$/,
    what: /^the status (400|409) /,
    why: 'Docker’s answer where the program cannot be run; a start beside another',
  },
  { operation: ANY, what: /^the status 400 is not documented$/, why: 'a request that cannot be understood: the document names it of few' },
  { operation: /^GET \/system\/df$/, what: /^\/Containers\/\* must be array/, why: 'the document has a list of lists, Docker does not' },
  {
    operation: ANY,
    what: /^the status 503 is not documented$/,
    why: 'nodes that did not answer, no room, or no agreement: things that one daemon alone does not know',
  },
  {
    operation: ANY,
    what: /^the status 501 is not documented$|^there is no such operation, and it answers 501$/,
    why: 'what is not there says so',
  },
];

export const isDeliberate = ({ operation, what }: Deviation): boolean =>
  DELIBERATE.some((each) => each.operation.test(operation) && each.what.test(what));
