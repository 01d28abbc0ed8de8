import { expect, test } from 'vitest';
import { MIB, nodeId } from '../model/index.ts';
import type { Considered, RefusalReason } from '../model/index.ts';
import { refusalText } from './refusal-text.ts';

const wanted = { cpuMillicores: 2000, memoryBytes: 256 * MIB };
let n = 0;
const node = (reason: RefusalReason, cpu = 0, mib = 0, detail = ''): Considered => ({
  nodeId: nodeId((++n).toString(16).padStart(32, '0')),
  name: `node-${n}`,
  accepted: false,
  reason,
  detail,
  free: { cpuMillicores: cpu, memoryBytes: mib * MIB },
  score: undefined,
});

test('every reason has its count and its words', () => {
  n = 0;
  const text = refusalText(
    wanted,
    [
      node('cpu', 500, 999),
      node('memory', 4000, 100),
      node('memory', 4000, 201),
      node('unreachable'),
      node('unreachable'),
      node('failed', 0, 0, 'no space left'),
      node('holds'),
      node('excluded'),
    ],
    { nodes: 8, direct: true },
  );
  expect(text).toBe(
    'no node has 2 CPUs and 256 MiB free: of 8 nodes 2 lack memory (best: node-3 with 201 MiB), 1 lacks CPU (best: node-1 with 0.5 CPUs), ' +
      '1 was excluded, 1 keeps too many holds already, 1 could not launch it (node-6: no space left), 2 did not answer (node-4, node-5)',
  );
});

test('a filter, not the room, is named where only filters said no', () => {
  expect(refusalText(wanted, [node('class'), node('draining')], { nodes: 2, direct: true })).toBe(
    'no node can take it: of 2 nodes 1 is of a lower class, 1 is draining',
  );
});

test('a large instance says what it knows', () => {
  expect(refusalText(wanted, [], { nodes: 900, direct: false })).toBe(
    'no offer of 2 CPUs and 256 MiB was found among 900 nodes; try again in a minute, or ask for less',
  );
});

test('two figures that would read alike are said more finely', () => {
  n = 0;
  const text = refusalText({ cpuMillicores: 1000, memoryBytes: 2000 * MIB }, [node('memory', 2000, 1990), node('memory', 2000, 5)], {
    nodes: 2,
    direct: true,
  });
  expect(text).toBe('no node has 1 CPU and 2000 MiB free: of 2 nodes 2 lack memory (best: node-1 with 1990 MiB)');
});

test('a lone node', () => {
  n = 0;
  expect(refusalText(wanted, [node('memory', 4000, 201)], { nodes: 1, direct: true })).toBe(
    'no node has 2 CPUs and 256 MiB free: of 1 node 1 lacks memory (best: node-1 with 201 MiB)',
  );
});

test('affinities leave only some nodes to ask, or none, or could not be looked up', () => {
  n = 0;
  const among = (nodes: number) => ({ nodes: 90, direct: true, among: { nodes, words: 'container==db and app==web' } });
  expect(refusalText(wanted, [node('cpu', 500, 999), node('draining')], among(2))).toBe(
    'no node has 2 CPUs and 256 MiB free: of 2 nodes with container==db and app==web 1 lacks CPU (best: node-1 with 0.5 CPUs), 1 is draining',
  );
  expect(refusalText(wanted, [], among(0))).toBe('no node can take it: none of 90 nodes meets container==db and app==web');
  expect(refusalText(wanted, [], { nodes: 90, direct: false, unknown: ['container==d*'] })).toBe(
    'no offer of 2 CPUs and 256 MiB was found among 90 nodes; where container==d* is met could not be looked up: name it in full, or try again in a minute, or ask for less',
  );
});

test('some of those that meet the filters were asked, since no offer was found', () => {
  n = 0;
  const asked = { nodes: 900, direct: false, among: { nodes: 200, words: 'zone==west' } };
  expect(refusalText(wanted, [node('cpu', 500, 999)], asked)).toBe(
    'no offer of 2 CPUs and 256 MiB was found among 200 nodes with zone==west (of those that refused 1 lacks CPU (best: node-1 with 0.5 CPUs)); try again in a minute, or ask for less',
  );
});

test('who was excluded for its group’s sake is told apart from who was excluded by the user', () => {
  n = 0;
  const excluded = [
    node('excluded'),
    node('excluded', 0, 0, 'node-2 was excluded'),
    node('excluded', 0, 0, 'has another part of the group'),
  ];
  expect(refusalText(wanted, excluded, { nodes: 3, direct: true })).toBe(
    'no node can take it: of 3 nodes 3 were excluded (has another part of the group)',
  );
});
