import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileTemplate } from './evaluate.ts';
import { TemplateError } from './template-error.ts';

const container = {
  Id: '0123456789abcdef',
  Name: '/web',
  State: { Running: true, ExitCode: 0, Error: '' },
  Config: { Labels: { 'com.x/y': 'z', b: 'c' }, Env: ['A=1', 'B=2'], Entrypoint: null },
  Mounts: [],
  NetworkSettings: { Networks: { one: { IPAddress: '10.0.0.1' }, two: { IPAddress: '10.0.0.2' } } },
  Label: (key: unknown) => `label ${String(key)}`,
};
const render = (template: string, value: unknown = container) => compileTemplate(template)(value);

describe('templates', () => {
  it.each([
    ['{{.Id}}', '0123456789abcdef'],
    ['a {{.State.Running}} b', 'a true b'],
    ['{{ json .State }}', '{"Running":true,"ExitCode":0,"Error":""}'],
    ['{{.State | json}}', '{"Running":true,"ExitCode":0,"Error":""}'],
    ['{{index .Config.Labels "com.x/y"}}', 'z'],
    ['{{index .Config.Labels "absent"}}', '<no value>'],
    ['{{index .Config.Env 1}}', 'B=2'],
    ['{{.Config.Env}} {{.Config.Labels}} {{.Config.Entrypoint}}', '[A=1 B=2] map[b:c com.x/y:z] <nil>'],
    ['{{range .NetworkSettings.Networks}}{{.IPAddress}},{{end}}', '10.0.0.1,10.0.0.2,'],
    ['{{range $k, $v := .NetworkSettings.Networks}}{{$k}}={{$v.IPAddress}} {{end}}', 'one=10.0.0.1 two=10.0.0.2 '],
    ['{{range $v := .Config.Env}}{{$v}}{{$.Name}};{{end}}', 'A=1/web;B=2/web;'],
    ['{{range .Mounts}}x{{else}}none{{end}}', 'none'],
    ['{{if .State.Running}}up{{else}}down{{end}}', 'up'],
    ['{{if eq .State.ExitCode 0}}ok{{else if .Id}}id{{else}}bad{{end}}', 'ok'],
    ['{{if ne .State.ExitCode 0}}ok{{else if .Id}}id{{else}}bad{{end}}', 'id'],
    ['{{if and .State.Running (not .State.Error)}}fine{{end}}', 'fine'],
    ['{{with .State.Error}}{{.}}{{else}}no error{{end}}', 'no error'],
    ['{{$x := .Name}}{{upper $x}}', '/WEB'],
    ['{{join .Config.Env ", "}} {{len .Mounts}}', 'A=1, B=2 0'],
    ['{{printf "%.4s|%-6s|%d%%" .Id .Name 7}}', '0123|/web  |7%'],
    ['{{.Label "k"}}', 'label k'],
    ['{{(index .Config.Env 0)}}{{/* nothing */}}', 'A=1'],
    ['a  {{- .Name -}}  b', 'a/webb'],
    ['{{"}}"}}{{`raw "x"`}}', '}}raw "x"'],
    ['{{println .Name}}', '/web\n'],
    ['no action', 'no action'],
  ])('%s', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    ['{{.Nope}}', /no field \.Nope; there are Id, Name/],
    ['{{.Id.More}}', /can't take \.More of 0123/],
    ['{{.Id', /without its \}\}/],
    ['{{if .Id}}x', /no \{\{end\}\}/],
    ['{{end}}', /ends nothing/],
    ['{{nope .Id}}', /no function nope/],
    ['{{}}', /can't read/],
    ['{{$x}}', /\$x is not set/],
    ['{{index .Config.Env 9}}', /out of range/],
    ['{{.Id 1}}', /takes no arguments/],
    [`{{${'('.repeat(500)}.Id${')'.repeat(500)}}}`, /nests deeper/],
    ['{{if .Id}}'.repeat(500), /nests deeper/],
  ])('refuses %s', (template, message) => {
    expect(() => render(template)).toThrow(message);
  });

  it('either renders or says what is wrong, whatever it is given', () => {
    const bits = fc.constantFrom(
      '{{',
      '}}',
      '.',
      'Id',
      ' ',
      '$',
      '$x',
      ':=',
      '(',
      ')',
      '|',
      'json',
      'if',
      'range',
      'else',
      'end',
      '"a"',
      '-',
      '1',
      ',',
    );
    fc.assert(
      fc.property(fc.array(bits, { maxLength: 24 }), (parts) => {
        try {
          expect(typeof render(parts.join(''))).toBe('string');
        } catch (error) {
          expect(error).toBeInstanceOf(TemplateError);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('leaves text without actions as it is, and prints any JSON through json', () => {
    const plain = fc.string().filter((text) => !text.includes('{{'));
    fc.assert(
      fc.property(plain, (text) => {
        expect(render(text, null)).toBe(text);
      }),
    );
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(render('{{json .}}', value)).toBe(JSON.stringify(value));
      }),
    );
  });
});
