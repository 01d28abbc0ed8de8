import { networkContract } from '../contract.test-suite.ts';
import { TestHosts } from './testing/hosts.test-suite.ts';

let hosts: TestHosts;
networkContract(
  'overlay',
  () => {
    hosts = new TestHosts([1500]);
    return hosts.host(1).start();
  },
  () => hosts.close(),
);
