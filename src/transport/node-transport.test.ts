import type { Address, NodeId } from '../core/model/index.ts';
import { transportContract } from './contract.ts';
import type { TestNode } from './contract.ts';
import { TestInstance } from './test-instance.ts';

transportContract('HTTP/2 and datagrams', () => {
  let made: TestInstance | undefined;
  return {
    async start(count) {
      made = await TestInstance.create();
      return made.start(count);
    },
    move: (node: TestNode) => made!.move(node),
    stop: async () => made?.stop(),
  };
});

export type Book = Map<NodeId, Address>;
