import { describe, expect, it } from 'vitest';
import { checkLog } from './check-log.ts';

describe('checkLog', () => {
  it('asks for nothing where nothing was asked', () => {
    for (const config of [undefined, null, {}, { Type: '', Config: null }])
      expect(checkLog(config)).toEqual({ log: undefined, warnings: [] });
  });

  it('takes sizes and numbers of files as Docker does', () => {
    const boundsOf = (Type: string, Config: Record<string, string>) => checkLog({ Type, Config }).log;
    expect(boundsOf('', { 'max-size': '10m', 'max-file': '5' })).toMatchObject({ driver: 'json-file', fileBytes: 10_000_000, files: 5 });
    expect(boundsOf('json-file', { 'max-size': '1.5k' })).toMatchObject({ fileBytes: 1_500, files: 1 });
    expect(boundsOf('json-file', { 'max-size': '2GiB', 'max-file': '1' })).toMatchObject({ fileBytes: 2e9, files: 1 });
    expect(boundsOf('json-file', { 'max-file': '7' })).toEqual({ driver: 'json-file', options: { 'max-file': '7' }, files: 7 });
    expect(boundsOf('local', {})).toMatchObject({ fileBytes: 20_000_000, files: 5 });
    expect(boundsOf('local', { 'max-size': '123' })).toMatchObject({ fileBytes: 123, files: 5 });
    expect(boundsOf('none', {})).toEqual({ driver: 'none', options: {} });
  });

  it('says what it leaves out', () => {
    expect(checkLog({ Config: { tag: '{{.Name}}', compress: 'true', labels: 'a' } })).toEqual({
      log: { driver: 'json-file', options: { tag: '{{.Name}}', compress: 'true', labels: 'a' } },
      warnings: ['Log options that have no effect here are ignored: tag, compress.'],
    });
  });

  it.each<[string, Record<string, string>, number, string]>([
    ['syslog', {}, 501, 'the log driver "syslog"'],
    ['', { odd: '1' }, 400, "unknown log opt 'odd' for json-file log driver"],
    ['none', { 'max-size': '1m' }, 400, "unknown log opt 'max-size' for none log driver"],
    ['', { 'max-size': '0' }, 400, 'max-size: "0"'],
    ['', { 'max-size': '-1' }, 400, 'max-size: "-1"'],
    ['', { 'max-size': '10x' }, 400, 'max-size: "10x"'],
    ['', { 'max-size': '999999t' }, 400, 'max-size'],
    ['', { 'max-file': '0' }, 400, 'max-file: "0" is no number from 1 to 100'],
    ['', { 'max-file': '1.5' }, 400, 'max-file'],
    ['', { labels: 'x'.repeat(5_000) }, 400, 'labels has 5000'],
  ])('refuses %s with %j', (Type, Config, status, words) => {
    expect(() => checkLog({ Type, Config })).toThrow(
      expect.objectContaining({ status, message: expect.stringContaining(words) as string }),
    );
  });
});
