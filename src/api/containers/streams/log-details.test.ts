import { expect, it } from 'vitest';
import { logDetails } from './log-details.ts';

it('is what the log options name of labels and environment, in order, and a space', () => {
  const container = { labels: { tier: 'web (1)', other: 'x', a: '' }, env: ['ROLE=a b=c', 'EMPTY', 'X=y'] };
  expect(logDetails(undefined, container)).toBe(' ');
  expect(logDetails({ driver: 'json-file', options: {} }, container)).toBe(' ');
  expect(logDetails({ driver: 'json-file', options: { labels: 'tier,a,missing,constructor', env: 'ROLE' } }, container)).toBe(
    'ROLE=a+b%3Dc,a=,tier=web+%281%29 ',
  );
});
