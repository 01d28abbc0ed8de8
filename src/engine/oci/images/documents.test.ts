import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConfiguration, parseDocument } from './documents.ts';
import { checkRunConfig } from './run-config.ts';

const digest = `sha256:${'0'.repeat(64)}`;
const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

describe('a manifest', () => {
  it.each<[string, unknown, string]>([
    ['of schema 1', { schemaVersion: 1 }, 'schemaVersion is 1'],
    ['without layers', { schemaVersion: 2 }, 'neither'],
    ['with a made-up digest', { schemaVersion: 2, layers: [], config: { digest: 'sha256:../../etc', size: 1 } }, 'where a digest must be'],
    ['with a negative size', { schemaVersion: 2, layers: [{ digest, size: -1 }], config: { digest, size: 1 } }, 'no size'],
    ['that is a list', [], 'no JSON object'],
  ])('%s is refused', (_, value, words) => {
    expect(() => parseDocument(bytes(value), 'x')).toThrow(words);
  });
});

it('any JSON is read or refused in words', () => {
  const oneOf = (parse: () => unknown): void => {
    try {
      parse();
    } catch (error) {
      expect(error).toMatchObject({ name: 'ImageError', code: 'corrupt' });
    }
  };
  const keys = fc.constantFrom(
    'schemaVersion',
    'manifests',
    'layers',
    'config',
    'digest',
    'size',
    'rootfs',
    'diff_ids',
    'platform',
    'Env',
    'Labels',
    'Cmd',
  );
  const value = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(2, digest, null, ''),
      fc.jsonValue(),
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(keys, tie('node'), { maxKeys: 6 }),
    ),
  })).node;
  fc.assert(
    fc.property(value, (any) => {
      oneOf(() => parseDocument(bytes(any ?? null), 'x'));
      oneOf(() => parseDocument(bytes({ schemaVersion: 2, layers: any ?? null, config: any ?? null }), 'x'));
      oneOf(() =>
        checkRunConfig(parseConfiguration(bytes({ rootfs: { diff_ids: [] }, config: any ?? null, history: any ?? null }), 'x').config, 'x'),
      );
    }),
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => oneOf(() => parseDocument(noise, 'x'))));
});

it('what an image says of the wrong type never reaches the engine', () => {
  expect(() => checkRunConfig({ Env: 'A=b' }, 'image x')).toThrow('image x can\'t be used: its config.Env is "A=b"');
  expect(() => checkRunConfig({ Cmd: ['a\0b'] }, 'image x')).toThrow('config.Cmd');
  expect(() => checkRunConfig({ Labels: { a: 1 } }, 'image x')).toThrow('config.Labels');
  expect(checkRunConfig({ Env: null, Cmd: ['sh'], Labels: {} }, 'image x')).toEqual({ Env: null, Cmd: ['sh'], Labels: {} });
});
