import { durationText } from '../../lib/duration-text.ts';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { binarySize, cpus, decimalSize, timestamp } from './human.ts';
import { renderList, type View } from './list.ts';
import { table } from './table.ts';

const view: View<{ name: string; size: number }> = {
  fields: (row) => ({ Name: row.name, Size: row.size, Label: (key: unknown) => `${row.name}.${String(key)}` }),
  titles: { Name: 'NAME', Size: 'SIZE' },
  columns: ['Name', 'Size'],
};
const rows = [
  { name: 'a', size: 1 },
  { name: 'a-longer-name', size: 22 },
];

describe('lists', () => {
  it('prints a table, JSON lines, templates and tables of templates', () => {
    expect(renderList(rows, view, undefined)).toBe('NAME            SIZE\na               1\na-longer-name   22\n');
    expect(renderList(rows, view, 'table')).toBe(renderList(rows, view, undefined));
    expect(renderList(rows, view, 'json')).toBe('{"Name":"a","Size":1}\n{"Name":"a-longer-name","Size":22}\n');
    expect(renderList(rows, view, '{{.Size}}\\t{{.Label "k"}}')).toBe('1\ta.k\n22\ta-longer-name.k\n');
    expect(renderList(rows, view, 'table {{.Size}}\\t{{.Name}}')).toBe('SIZE      NAME\n1         a\n22        a-longer-name\n');
    expect(renderList([], view, undefined)).toBe('NAME      SIZE\n');
    expect(() => renderList(rows, view, '{{.Nope}}')).toThrow(/no field \.Nope/);
  });

  it('keeps every cell, aligned, however wide', () => {
    const cell = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => !/[\n\r]/.test(text));
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell), { minLength: 1 }), (cells) => {
        const lines = table(cells).split('\n').slice(0, -1);
        const start = Math.max(10, ...cells.map(([first]) => Array.from(first).length + 3));
        expect(lines.map((line) => Array.from(line).slice(start).join(''))).toEqual(cells.map(([, second]) => second));
      }),
    );
  });
});

describe('words for people', () => {
  it('prints sizes as Docker does', () => {
    expect([0, 999, 1_000, 4_261_550, 999_999, 1.5e12].map(decimalSize)).toEqual(['0B', '999B', '1kB', '4.26MB', '1000kB', '1.5TB']);
    expect([64 * 2 ** 20, 1.5 * 2 ** 30, 1023].map(binarySize)).toEqual(['64MiB', '1.5GiB', '1023B']);
    expect([250, 2_000, 1_500].map(cpus)).toEqual(['0.25', '2', '1.5']);
  });

  it('prints spans and times as Docker does', () => {
    const at = (seconds: number) => durationText(seconds * 1_000);
    expect([0.5, 1, 59, 60, 150, 3_600, 7_200, 49 * 3_600, 15 * 86_400, 90 * 86_400, 800 * 86_400].map(at)).toEqual([
      'Less than a second',
      '1 second',
      '59 seconds',
      'About a minute',
      '2 minutes',
      'About an hour',
      '2 hours',
      '2 days',
      '2 weeks',
      '3 months',
      '2 years',
    ]);
    expect(timestamp(0)).toBe('1970-01-01 00:00:00 +0000 UTC');
  });
});
