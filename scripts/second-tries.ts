import type { Reporter, TestCase, TestModule } from 'vitest/node';

/**
 * At the end of a run: which tests passed only when they were tried again, and what the first try said. Each is a race,
 * its own or the code's, and is to be mended; it does not keep back a change that has nothing to do with it.
 */
export default class SecondTries implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const late = modules.flatMap((module) => [...module.children.allTests('passed')]).filter((test) => test.diagnostic()?.flaky === true);
    if (late.length === 0) return;
    console.log(`\npassed only when tried again: ${late.length}\n${late.map(wordsOf).join('\n')}`);
  }
}

function wordsOf(test: TestCase): string {
  const said = test.attempts().flatMap(({ errors = [] }) => errors.map(({ stack, message }) => (stack ?? message).replace(/^/gm, '    ')));
  return [`  ${test.module.moduleId} > ${test.fullName}`, ...said].join('\n');
}
