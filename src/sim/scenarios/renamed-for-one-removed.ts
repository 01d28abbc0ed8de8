import type { Scenario } from './scenario.ts';

export const renamedForOneRemoved: Scenario = {
  name: 'renamed for one that was removed',
  story:
    'A container was removed, and its node died before the owner of its name had heard so. Under the node’s next life the ' +
    'row still stood for a while, and a new container of that name was made to give it up, to nobody. Now a row says ' +
    'nothing in a conflict until its node has registered it in its present life.',
  seed: 842,
  nodes: 8,
  durationMs: 240_000,
  faults: undefined,
};
