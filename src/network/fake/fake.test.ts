import { expect, it } from 'vitest';
import { containerId } from '../../core/model/index.ts';
import { endpointOf, hostNetworksOf, networkContract, networkOnHost } from '../contract.test-suite.ts';
import { FakeNetwork } from './fake.ts';

const A = containerId('a'.repeat(64));

networkContract(
  'fake',
  () => Promise.resolve(new FakeNetwork()),
  () => Promise.resolve(),
);

it('forgets containers that are unknown and interfaces that are not told', async () => {
  const network = new FakeNetwork();
  network.want(hostNetworksOf([networkOnHost(1)]));
  await network.makeNamespace(A);
  await network.attach(endpointOf(A, 1, 2));
  await network.recover(() => false, []);
  expect([network.namespaces.size, network.endpoints.size]).toEqual([0, 0]);
});
