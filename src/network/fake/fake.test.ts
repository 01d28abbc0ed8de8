import { expect, it } from 'vitest';
import { containerId } from '../../core/model/index.ts';
import { networkContract } from '../contract.test-suite.ts';
import { FakeNetwork } from './fake.ts';

networkContract('fake', () => new FakeNetwork());

it('forgets unknown containers', async () => {
  const network = new FakeNetwork();
  await network.attach(containerId('a'.repeat(64)), 'none');
  await network.recover(() => false);
  expect(network.attached.size).toBe(0);
});
