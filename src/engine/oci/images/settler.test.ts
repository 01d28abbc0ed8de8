import { expect, test } from 'vitest';
import { Settler } from './settler.ts';

test.each(Array.from({ length: 12 }, (_, turns) => turns))(
  'what is asked for %i turns after an effort’s end gets one of its own',
  async (turns) => {
    const gate = Promise.withResolvers<void>();
    let efforts = 0;
    const settler = new Settler(
      '/',
      () => {
        efforts++;
        return gate.promise;
      },
      () => undefined,
    );
    settler.request();
    gate.resolve();
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    const before = efforts;
    await settler.settle();
    expect(efforts).toBe(before + 1);
  },
);
